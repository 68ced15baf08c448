import Foundation
import Samples

/// Who signs a request, in Amazon's way.
package struct RequestSignature: Sendable, Hashable {
    package let accessKey: String
    package let secretKey: String
    package let region: String
    package let service: String
}

/// A store that speaks S3, as the environment describes it.
///
/// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_REGION` or `AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`. Without an endpoint it is Amazon's; without keys requests are not signed, which
/// public buckets take.
package struct S3Endpoint: Sendable {
    /// The digest of nothing, which is what a GET carries.
    private static let emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private let endpoint: String?
    private let region: String
    private let token: String?
    package let signature: RequestSignature?

    package init(environment: [String: String]) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        endpoint = value("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL").map {
            $0.hasSuffix("/") ? String($0.dropLast()) : $0
        }
        region = value("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1"
        token = value("AWS_SESSION_TOKEN")
        if let accessKey = value("AWS_ACCESS_KEY_ID"), let secretKey = value("AWS_SECRET_ACCESS_KEY") {
            signature = RequestSignature(accessKey: accessKey, secretKey: secretKey, region: region, service: "s3")
        } else {
            signature = nil
        }
    }

    /// Header lines of a signed request without a body.
    package var headers: [(name: String, value: String)] {
        guard signature != nil else { return [] }
        return [("x-amz-content-sha256", Self.emptyDigest)] + (token.map { [("x-amz-security-token", $0)] } ?? [])
    }

    /// The URL of the object `key` in `bucket`, or of the bucket itself where `key` is empty.
    package func url(bucket: String, key: String) -> String {
        let path = key.split(separator: "/", omittingEmptySubsequences: false).map { escaped(String($0)) }
            .joined(separator: "/")
        guard let endpoint else { return "https://\(bucket).s3.\(region).amazonaws.com/\(path)" }
        return "\(endpoint)/\(bucket)" + (path.isEmpty ? "" : "/" + path)
    }

    /// Bucket and key of `s3://bucket/key`; nil for other addresses.
    package static func parts(of address: String) -> (bucket: String, key: String)? {
        guard address.hasPrefix("s3://") else { return nil }
        let parts = address.dropFirst(5).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    /// The keys of `bucket` that begin with `prefix`, sorted, page by page.
    package func keys(bucket: String, prefix: String, _ client: HTTPClient) async throws(FetchFailure) -> [String] {
        var keys: [String] = []
        var next: String?
        repeat {
            // Sorted by name, as the signature wants them.
            let query =
                (next.map { "continuation-token=\(escaped($0))&" } ?? "") + "list-type=2&prefix=\(escaped(prefix))"
            let url = url(bucket: bucket, key: "")
            let answer = try await client.request("GET", "\(url)?\(query)", headers: headers, signature: signature)
            guard answer.status == 200 else {
                throw FetchFailure(Rejection(.httpError, "listing s3://\(bucket): status \(answer.status)"))
            }
            let text = String(decoding: answer.body, as: UTF8.self)
            keys += elements("Key", in: text)
            next = elements("NextContinuationToken", in: text).first
        } while next != nil
        return keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// Percent-encoded but for what RFC 3986 leaves unreserved.
private func escaped(_ text: String) -> String {
    text.utf8.map { byte in
        let scalar = Unicode.Scalar(byte)
        let isPlain =
            byte < 128
            && (scalar.properties.isAlphabetic || (48...57).contains(byte) || "-._~".unicodeScalars.contains(scalar))
        let hex = String(byte, radix: 16, uppercase: true)
        return isPlain ? String(scalar) : "%" + (hex.count == 1 ? "0" + hex : hex)
    }.joined()
}

/// The texts of the elements `name` of a listing, which has no attributes and no comments.
private func elements(_ name: String, in text: String) -> [String] {
    text.components(separatedBy: "<\(name)>").dropFirst().compactMap { rest -> String? in
        guard rest.contains("</\(name)>") else { return nil }
        let raw = rest.components(separatedBy: "</\(name)>")[0]
        return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")]
            .reduce(raw) { $0.replacing($1.0, with: $1.1) }
    }
}
