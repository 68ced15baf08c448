import Storage
import Tables

/// What the sources of `datasets` call their images, by the samples' keys.
func imageIDs(in datasets: [Dataset]) throws(QuestionError) -> [String: String] {
    var ids: [String: String] = [:]
    for dataset in datasets {
        let description: DatasetDescription
        do {
            description = try dataset.readDescription()
        } catch {
            throw QuestionError(.table, error.path, error.reason)
        }
        for shard in description.shards where shard.samples > 0 {
            try read(shard.name, of: dataset, into: &ids)
        }
    }
    return ids
}

private func read(
    _ shard: String, of dataset: Dataset, into ids: inout [String: String]
) throws(QuestionError) {
    let place = dataset.place(of: DatasetLayout.table(shard))
    do {
        let table = try TableReader(dataset.openTable(shard))
        for group in 0..<table.rowGroupCount {
            try table.rows(ofGroup: group, columns: ["key", "status", "source_id"]) { _, row in
                guard try row.string(1) == "success", let key = try row.string(0), let id = try row.string(2) else {
                    return
                }
                guard ids.updateValue(plainID(id), forKey: key) == nil else {
                    throw QuestionError(
                        .table, place,
                        "sample \(key) is in two data sets of one set: give each data set a set of its own")
                }
            }
        }
    } catch let error as QuestionError {
        throw error
    } catch {
        throw QuestionError(.table, place, "\(error)")
    }
}

/// `id` without the zeros that a number begins with: data sets write 9 and 000000000009 for one image.
func plainID(_ id: String) -> String {
    guard id.count > 1, id.first == "0", id.utf8.allSatisfy({ (48...57).contains($0) }) else { return id }
    let rest = id.drop { $0 == "0" }
    return rest.isEmpty ? "0" : String(rest)
}
