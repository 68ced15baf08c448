import Commands
import Fetching
package import Manifests
import Samples
import SourceAdapters
import Stages

/// Throws bad input where the first rows of `source` all lie at private addresses, which are not allowed: each of its rows
/// would fail.
///
/// Addresses that are names are not looked up, and are taken as public.
package func requireFetchable(_ source: Source, _ manifest: Manifest) throws {
    guard !manifest.fetch.allowPrivateAddresses, source.imageRoots.isEmpty, !source.format.holdsImages else { return }
    let urls = try firstURLs(of: source)
    var allowing = FetchPolicy(manifest)
    allowing.allowPrivateAddresses = true
    let (strict, open) = (URLGuard(FetchPolicy(manifest)), URLGuard(allowing))
    guard !urls.isEmpty, urls.allSatisfy({ open.admits($0) && !strict.admits($0) }) else { return }
    throw CommandError(
        .badInput,
        "\(source.name): \(urls[0]): a private address, like those of all rows checked; to fetch from such "
            + "addresses, set fetch.allow_private_addresses: true")
}

/// The addresses of the first rows of `source`; none where its images are not at addresses.
private func firstURLs(of source: Source) throws -> [String] {
    let adapter = try makeAdapter(for: source)
    let limit = min(64, source.limit ?? 64)
    var units: [WorkUnit] = []
    try adapter.plan(unitRows: limit, limit: limit) { range in
        units.append(
            WorkUnit(
                source: source.name, index: 0, firstRow: range.firstRow, rowCount: range.rowCount,
                start: range.start))
    }
    guard let unit = units.first else { return [] }
    try adapter.prepare()
    var reader = try adapter.reader(of: unit)
    var urls: [String] = []
    for _ in 0..<unit.rowCount {
        guard let row = try reader.next() else { break }
        if case .kept(let row) = row.outcome, case .url(let url) = row.location { urls.append(url) }
    }
    return urls
}

extension URLGuard {
    fileprivate func admits(_ url: String) -> Bool {
        do {
            _ = try address(of: url)
            return true
        } catch {
            return false
        }
    }
}
