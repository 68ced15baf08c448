import Samples

/// The data set's `README.md`: what it is, how it was made, how to read it, what to mind.
package struct DatasetCard {
    private let facts: DatasetFacts

    /// A card of `facts`.
    package init(_ facts: DatasetFacts) { self.facts = facts }

    /// The Markdown text, the same bytes for the same facts.
    package func markdown() -> String {
        let notice = facts.notice.map { "> **Note.** \(CleanText.markdown($0))\n\n" } ?? ""
        return """
            # \(CleanText.markdown(facts.name))

            \(notice)\(summary)

            ## Contents

            \(sourceTable)

            \(rejectionList)

            ## How it was made

            \(method)

            | what | which |
            |---|---|
            \(provenance)

            The same manifest, models and fetched bytes give the same shards, byte for byte.

            ## Files

            | file | holds |
            |---|---|
            | `dataset.json` | totals, and every shard with its samples, size and SHA-256 |
            | `shards/*.tar.zst` | samples, in the order of the input |
            | `shards/*.parquet` | one row for every row of the input, those that failed too, with status and message |
            | `sizes.json` | samples a shard, as open\\_clip reads it |
            | `croissant.json` | this description for machines |

            A sample is four adjacent members of a shard:

            | member | holds |
            |---|---|
            | `KEY.\(facts.imageExtension)` | the image |
            | `KEY.txt` | the best caption |
            | `KEY.json` | the kept captions, best first |
            | `KEY.meta.json` | where it came from, all captions and their scores |

            ## Loading it

            \(loading)

            ## What to mind

            - The images belong to their owners, under whatever licence each was published; the list of URLs grants none. Find
              out what you may do before you train on them, show them or pass them on.
            - Captions from the web say whatever their authors wrote, names of persons and untruths among it.\
            \(facts.isCaptioned ? "\n- Captions made by a model describe what the model sees in the image. It makes mistakes, and repeats the biases of its training data." : "")
            - Some images show persons. If you are told that one must go, remove the sample and its row.
            - URLs rot: a second run of the manifest finds fewer images, or other ones.

            """
    }

    private var summary: String {
        "\(Figures.grouped(facts.sampleCount)) images with captions, from \(Figures.grouped(facts.rowCount)) rows of "
            + "\(Figures.grouped(facts.sources.count)) \(facts.sources.count == 1 ? "source" : "sources"), in "
            + "\(Figures.grouped(facts.shardCount)) \(facts.shardCount == 1 ? "shard" : "shards") "
            + "(\(Figures.bytes(facts.byteCount)))."
    }

    private var method: String {
        facts.isCaptioned
            ? """
            Each image was fetched, decoded and resized. A captioner wrote candidates for it; a ranker compared the image with
            each candidate, and with the caption from the web where the manifest says so. The best were kept.
            """
            : "Each image was fetched, decoded and resized. Its captions are those of the source; no model changed them."
    }

    private var sourceTable: String {
        let lines = facts.sources.map { source in
            "| \(CleanText.markdown(source.name)) | \(CleanText.markdown(source.format)) | \(Figures.grouped(source.rows)) "
                + "| \(Figures.grouped(source.samples)) | \(Figures.percent(source.samples, of: source.rows)) |"
        }
        return (["| source | format | rows | samples | kept |", "|---|---|---:|---:|---:|"] + lines).joined(
            separator: "\n")
    }

    private var rejectionList: String {
        let reasons = facts.rejections.ordered
        guard !reasons.isEmpty else { return "No row was left out." }
        let lines = reasons.map { "| `\($0.reason.rawValue)` | \(Figures.grouped($0.count)) |" }
        return (["Rows left out:", "", "| reason | rows |", "|---|---:|"] + lines).joined(separator: "\n")
    }

    private var provenance: String {
        let models = facts.models.map { model in
            "| \(CleanText.markdown(model.role)) | \(CleanText.markdown(model.name)), `\(CleanText.markdown(model.digest))` |"
        }
        return
            (models + [
                "| manifest | `\(CleanText.markdown(facts.manifestDigest))` |",
                "| software | \(CleanText.markdown(facts.softwareVersion)) |",
            ]).joined(separator: "\n")
    }

    private var loading: String {
        let first = facts.shards.first?.name ?? ShardName(source: "NAME", number: 0).description
        let numbers = facts.shards.filter { $0.source == facts.shards.first?.source }
            .compactMap { ShardName($0.name)?.number }
        let range =
            numbers.first.flatMap { first in
                numbers.last.map { ShardName.braces(facts.shards[0].source, first...max(first, $0)) }
            } ?? first
        return """
            With [webdataset](https://github.com/webdataset/webdataset), any Python:

            ```python
            import webdataset as wds

            samples = wds.WebDataset("pipe:zstd -dcq shards/\(range).tar.zst", shardshuffle=False).decode("pil")
            for image, captions in samples.to_tuple("\(facts.imageExtension)", "json"):
                ...  # captions: best first
            ```

            With [datasets](https://github.com/huggingface/datasets), from Python 3.14 on, whose `tarfile` knows Zstandard:

            ```python
            from datasets import load_dataset

            samples = load_dataset("webdataset", data_files="shards/*.tar.zst", split="train", streaming=True)
            ```

            The rows, with pyarrow:

            ```python
            import pyarrow.dataset as ds

            rows = ds.dataset("shards", format="parquet", exclude_invalid_files=True).to_table()
            ```

            In a shell:

            ```sh
            tar --zstd -tf shards/\(first).tar.zst | head
            ```
            """
    }
}
