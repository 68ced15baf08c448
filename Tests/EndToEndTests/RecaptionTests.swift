import Foundation
import TestSupport
import Testing

@Suite("A data set captioned anew", .serialized) struct RecaptionTests {
    /// Compares two data sets with pyarrow and tar: what must be the same of each sample, and what of captions is not.
    private static let script = """
        import glob, json, sys, tarfile, subprocess, io, pyarrow.parquet
        def read(folder):
            samples = []
            for path in sorted(glob.glob(folder + "/shards/*.tar.zst")):
                data = subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
                members = {}
                with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                    for m in tar: members[m.name] = tar.extractfile(m).read()
                rows = pyarrow.parquet.read_table(path.removesuffix(".tar.zst") + ".parquet").to_pylist()
                for row in rows:
                    if row["status"] != "success": continue
                    samples.append((row, members[row["key"] + ".jpg"]))
            return samples
        old, new = read(sys.argv[1]), read(sys.argv[2])
        same = ["url", "source_id", "sha256", "width", "height", "original_width", "original_height", "web_caption"]
        assert len(old) == len(new) > 0, (len(old), len(new))
        for (a, image), (b, again) in zip(old, new):
            assert all(a[k] == b[k] for k in same), (a, b)
            assert image == again, "the image was encoded again"
            assert b["candidate_origins"].count("blip") == 10 and b["candidate_origins"].count("web") <= 1
            assert b["http_status"] is None
        print(sum(a["candidates"] != b["candidates"] for (a, _), (b, _) in zip(old, new)))
        """

    @Test("keeps every image and what is known of it, and fetches nothing")
    func recaptioned() throws {
        let site = try Site(count: 40)
        try site.makeCheckpoints()
        let models = "caption: {model: captioner}\nrank: {model: ranker}"
        let first = try site.manifest(
            "first", captions: "bootstrap", unitRows: 12,
            extra: "fetch: {allow_private_addresses: true, retries: 0}\n\(models)")
        let built = try site.build(first, to: "out")
        try #require(built.status == 0, "\(built.errors)")
        let manifest = site.folder + "/second.yaml"
        try """
        version: 1
        name: second
        seed: 8
        shard: {samples: 9}
        image: {size: 96}
        \(models)
        sources:
          - {name: again, format: shards, path: out}
        """.write(toFile: manifest, atomically: true, encoding: .utf8)
        let again = try site.build(manifest, to: "again")
        try #require(again.status == 0, "\(again.errors)")
        let compared = try Python.run(Self.script, [site.folder + "/out", site.folder + "/again"])
        // Another seed: the same model writes other captions.
        #expect(Int(compared.filter(\.isNumber)).map { $0 > 0 } == true, "\(compared)")
    }
}
