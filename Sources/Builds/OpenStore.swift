import Commands
import Coordination
import Files
import Foundation
import PostgresDatabases
import Storage

/// Opens the job store of `output` for a coordinator: on the server at `address`, or where the output says, or a file in it.
func openStore(_ output: OutputDirectory, _ address: String?) throws -> SQLJobStore {
    let noted = try notedAddress(output)
    guard let address = address ?? noted else {
        return try SQLJobStore(path: output.storePath, idPath: output.buildIDPath)
    }
    guard !FileManager.default.fileExists(atPath: output.storePath) else {
        throw CommandError(
            .badInput, "\(output.storePath): the build was begun with its state in this file: leave out --store")
    }
    // Two that begin at once would draw two names.
    let lock = try openingLock(output)
    defer { withExtendedLifetime(lock) {} }
    let isNew = !FileManager.default.fileExists(atPath: output.buildIDPath)
    let database = try server(address, name: "pipeline build")
    let store = try SQLJobStore(database, build: try BuildID.drawn(inFile: output.buildIDPath))
    let shown = withoutPassword(address)
    guard noted != shown else { return store }
    if !isNew, noted != nil, try store.build() == nil {
        throw CommandError(.badInput, "--store: build \(store.id) is not in this store; it was begun in \(noted ?? "")")
    }
    try writeFile("\(shown)\n".utf8, to: output.storeAddressPath)
    return store
}

/// Keeps other commands from opening the job store of `output` while it lives; waits for one that is opening it.
private func openingLock(_ output: OutputDirectory) throws -> FileLock {
    // Each try takes a fifth of a second where the lock is held: longer than a server is waited for.
    for _ in 0..<50 {
        if let lock = try FileLock(output.buildIDPath + ".lock") { return lock }
    }
    throw CommandError(.unavailable, "\(output.root): another command is opening this output: try again")
}

/// The job store of `output` for reading, and whether a coordinator is using it.
func recordedStore(_ output: OutputDirectory) throws(CoordinationError) -> (store: SQLJobStore, isHeld: Bool) {
    guard let address = try notedAddress(output) else {
        let isHeld = SQLJobStore.isHeld(output.storePath)
        return (try SQLJobStore(reading: output.storePath, idPath: output.buildIDPath), isHeld)
    }
    let database = try server(address, name: "pipeline status")
    let store = try SQLJobStore(reading: database, build: try BuildID(contentsOfFile: output.buildIDPath))
    return (store, try store.leader()?.isCurrent ?? false)
}

/// The server at `address`; `name` is what its lists of connections show.
private func server(_ address: String, name: String) throws(CoordinationError) -> PostgresDatabase {
    do {
        return try PostgresDatabase(url: address, name: name)
    } catch {
        throw CoordinationError(.store, "job store", "\(error)")
    }
}

/// The address that `output` names; nil where its store is a file.
private func notedAddress(_ output: OutputDirectory) throws(CoordinationError) -> String? {
    let path = output.storeAddressPath
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path) else {
        throw CoordinationError(.store, path, "cannot be read")
    }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
