import Foundation

/// `url`, which `PostgresDatabase` takes, without passwords: what may be written to files and scripts.
///
/// Who opens it finds the password where libpq looks for it.
package func withoutPassword(_ url: String) -> String {
    guard let start = url.firstRange(of: "://")?.upperBound else { return url }
    var rest = url[start...]
    if let at = rest.firstIndex(of: "@"), let colon = rest[..<at].firstIndex(of: ":") {
        rest.removeSubrange(colon..<at)
    }
    let parts = rest.split(separator: "?", maxSplits: 1)
    var result = url[..<start] + (parts.first ?? "")
    let options = (parts.count < 2 ? [] : parts[1].split(separator: "&")).filter { option in
        let name = option.prefix { $0 != "=" }
        return !["password", "sslpassword"].contains(name.removingPercentEncoding ?? "password")
    }
    if !options.isEmpty { result += "?" + options.joined(separator: "&") }
    return String(result)
}
