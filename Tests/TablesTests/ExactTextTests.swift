import Foundation
import Tables
import TestSupport
import Testing

/// A table that Python writes, with the text of each value as Python has it: `names`, and for each row the texts or null.
private func withReference(_ script: String, _ body: (TableReader, [String], [[String?]]) throws -> Void) throws {
    let folder = try Project.temporaryFolder("table")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Python.run(script, [folder + "/t.parquet", folder + "/t.json"])
    struct Reference: Decodable {
        let names: [String]
        let rows: [[String?]]
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/t.json"))
    let reference = try JSONDecoder().decode(Reference.self, from: data)
    try body(TableReader(path: folder + "/t.parquet"), reference.names, reference.rows)
}

/// 300 values of each type with its extremes among them, and a tenth nulls.
private let everyType = #"""
    import datetime, decimal, json, random, struct, sys, uuid
    import numpy as np, pyarrow as pa, pyarrow.parquet as pq
    random.seed(5); N = 300
    def ints(bits, signed):
        low, high = (-2**(bits-1), 2**(bits-1)-1) if signed else (0, 2**bits-1)
        return [low, high, 0, 1, high-1] + [random.randint(low, high) for _ in range(N-5)]
    columns, texts = {}, {}
    def add(name, array, values, text):
        keep = [random.random() > .1 for _ in values]
        columns[name] = pa.array([v if k else None for v, k in zip(array, keep)], type=name_types[name])
        texts[name] = [text(v) if k else None for v, k in zip(values, keep)]
    name_types = {}
    def put(name, kind, values, text=str, array=None):
        name_types[name] = kind
        add(name, array or values, values, text)
    for bits in (8, 16, 32, 64):
        put(f"int{bits}", getattr(pa, f"int{bits}")(), ints(bits, True))
        put(f"uint{bits}", getattr(pa, f"uint{bits}")(), ints(bits, False))
    put("ids", pa.dictionary(pa.int32(), pa.int64()), ints(64, True)[:N])
    # Whole numbers in all digits, others in as few as tell them apart, as repr and NumPy have them.
    def real(v, kind):
        v = kind(v)
        if v == 0: return "0"
        if np.isfinite(v) and v == np.trunc(v) and abs(float(v)) < 1e22: return str(int(v))
        return np.format_float_scientific(v, unique=True, trim="-")
    doubles = [0.0, -0.0, 1.5, 9007199254740992.0, 0.1, 1e300, 5e-324, 123456789012.0] + [random.choice([random.uniform(-1e6, 1e6), float(random.randint(-2**60, 2**60)), random.uniform(0, 1)]) for _ in range(N-8)]
    put("double", pa.float64(), doubles, lambda v: real(v, np.float64))
    floats = [float(np.float32(v)) for v in doubles[:5] + doubles[8:] + [.5, .25, .125]]
    put("float", pa.float32(), floats, lambda v: real(v, np.float32))
    for digits, scale in ((5, 2), (18, 0), (20, 0), (38, 10), (60, 3)):
        kind = (pa.decimal128 if digits <= 38 else pa.decimal256)(digits, scale)
        values = [decimal.Decimal(random.randint(-10**digits+1, 10**digits-1)).scaleb(-scale, decimal.Context(prec=80)) for _ in range(N)]
        put(f"decimal{digits}_{scale}", kind, values, lambda v: format(v, "f"))
    put("bool", pa.bool_(), [random.random() < .5 for _ in range(N)], lambda v: "true" if v else "false")
    first, last = datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)
    days = [first.date(), last.date(), datetime.date(1970, 1, 1), datetime.date(1969, 12, 31), datetime.date(2000, 2, 29)]
    days += [first.date() + datetime.timedelta(days=random.randrange(3652059)) for _ in range(N-5)]
    put("date32", pa.date32(), days, lambda v: v.isoformat())
    for unit, digits in (("ms", 3), ("us", 6)):
        for zone in (None, "Europe/Berlin"):
            moments = [first, last, datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)]
            moments += [first + datetime.timedelta(seconds=random.randrange(315537897599), milliseconds=random.choice([0, 1, 999])) for _ in range(N-3)]
            def text(v, digits=digits, zone=zone):
                fraction = "." + f"{v.microsecond:06d}"[:digits] if v.microsecond else ""
                return v.strftime("%Y").zfill(4) + v.strftime("-%m-%dT%H:%M:%S") + fraction + ("Z" if zone else "")
            array = [(v - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1) * (1 if unit == "ms" else 1000) for v in moments]
            put(f"timestamp_{unit}_{zone}", pa.timestamp(unit, zone), moments, text, array)
    nanoseconds = [random.randrange(-2**62, 2**62) for _ in range(N)]
    def nanos(v):
        t = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=v // 10**9)
        return t.isoformat() + (f".{v % 10**9:09d}" if v % 10**9 else "")
    put("timestamp_ns", pa.timestamp("ns"), nanoseconds, nanos)
    times = [random.randrange(86400000) for _ in range(N)]
    def clock(v): return f"{v//3600000:02d}:{v//60000%60:02d}:{v//1000%60:02d}" + (f".{v%1000:03d}" if v % 1000 else "")
    put("time32", pa.time32("ms"), times, clock)
    put("time64", pa.time64("us"), times, lambda v: clock(v) + ("000" if v % 1000 else ""), [v * 1000 for v in times])
    words = ["".join(random.choice("aé猫 \"\\,\t") for _ in range(random.randrange(9))) for _ in range(N)]
    for name, kind in (("string", pa.string()), ("large", pa.large_string()), ("dictionary", pa.dictionary(pa.int32(), pa.string()))):
        put(name, kind, words)
    put("binary", pa.binary(), words, array=[w.encode() for w in words])
    blobs = [random.randbytes(6) for _ in range(N)]
    put("fixed", pa.binary(6), blobs, lambda v: v.hex())
    uuids = [uuid.UUID(bytes=random.randbytes(16)) for _ in range(N)]
    name_types["uuid"] = pa.binary(16)
    add("uuid", [u.bytes for u in uuids], uuids, str)
    columns["uuid"] = pa.ExtensionArray.from_storage(pa.uuid(), columns["uuid"])
    pq.write_table(pa.table(columns), sys.argv[1], row_group_size=70, version="2.6")
    names = list(columns)
    json.dump({"names": names, "rows": [[texts[n][r] for n in names] for r in range(N)]}, open(sys.argv[2], "w"))
    """#

@Suite("A value of a table, as text") struct ExactTextTests {
    /// `1.5e-05` of `1.5e-5`: how many digits an exponent has says nothing.
    private func plain(_ text: String) -> String {
        text.replacing("e+0", with: "e+").replacing("e-0", with: "e-")
    }

    @Test("is what Python has, for every type and all of its range")
    func everyValue() throws {
        try withReference(everyType) { (reader: TableReader, names: [String], rows: [[String?]]) throws in
            var row = 0
            for group in 0..<reader.rowGroupCount {
                try reader.rows(ofGroup: group, columns: names) { _, cells in
                    for (column, name) in names.enumerated() {
                        let expected = rows[row][column]
                        let found = try cells.text(column)
                        if name == "double" || name == "float", let found, let expected, found != expected {
                            try #require(Double(found) == Double(expected), "\(name) \(row): \(found), not \(expected)")
                            try #require(found.count <= expected.count + 3, "\(name) \(row): \(found), not \(expected)")
                        } else {
                            try #require(found == expected, "\(name), row \(row), seed 5")
                        }
                    }
                    row += 1
                }
            }
            #expect(row == 300 && rows.count == 300)
        }
    }

    @Test("is found in lists and lists of lists, nulls and not-a-number left out")
    func lists() throws {
        let script = """
            import json, sys, pyarrow as pa, pyarrow.parquet as pq
            pq.write_table(pa.table({
                "a": pa.array([["x", None, "y"], [], None], pa.list_(pa.string())),
                "b": pa.array([[["x"], ["y", "z"], None], [[]], None], pa.list_(pa.list_(pa.string()))),
                "c": pa.array([[2**63, 1], None, [0]], pa.large_list(pa.uint64())),
                "d": pa.array([[1.5, float("nan")], [2.0], None], pa.list_(pa.float32())),
                "e": pa.array(["one", None, "three"]),
            }), sys.argv[1])
            json.dump({"names": list("abcde"), "rows": []}, open(sys.argv[2], "w"))
            """
        try withReference(script) { reader, names, _ in
            var found: [[[String]]] = []
            try reader.rows(ofGroup: 0, columns: names) { _, cells in
                found.append(try names.indices.map { try cells.texts($0) })
            }
            #expect(found[0] == [["x", "y"], ["x", "y", "z"], ["9223372036854775808", "1"], ["1.5"], ["one"]])
            #expect(found[1] == [[], [], [], ["2"], []] && found[2] == [[], [], ["0"], [], ["three"]])
            let depths = try names.map { try reader.form(ofColumn: $0).listDepth }
            #expect(depths == [1, 2, 1, 1, 0])
        }
    }

    @Test("and a column of two names, or a footer that contradicts itself, is refused")
    func damage() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = """
            import sys, pyarrow as pa, pyarrow.parquet as pq
            arrays = [pa.array([str(n)] * 3) for n in range(4)]
            pq.write_table(pa.Table.from_arrays(arrays, names=["a", "b", "a", "c"]), sys.argv[1] + "/twice.parquet")
            pq.write_table(pa.table({"a": [1, 2, 3]}), sys.argv[1] + "/t.parquet")
            data = open(sys.argv[1] + "/t.parquet", "rb").read()
            # 3 rows, and then the list of row groups: 5 rows.
            assert data.count(b"\\x16\\x06\\x19") == 1
            open(sys.argv[1] + "/more.parquet", "wb").write(data.replace(b"\\x16\\x06\\x19", b"\\x16\\x0a\\x19"))
            """
        try Python.run(script, [folder])
        let more = #expect(throws: TableError.self) { try TableReader(path: folder + "/more.parquet") }
        #expect(more?.detail == "5 rows, but 3 in its row groups: the footer is damaged")
        let reader = try TableReader(path: folder + "/twice.parquet")
        let twice = #expect(throws: TableError.self) { try reader.form(ofColumn: "a") }
        #expect(twice?.detail.contains("2 columns are called a") == true)
        #expect(throws: TableError.self) { try reader.group(0, columns: ["b", "a"]) }
        // The columns beside them are read, in any order.
        try reader.rows(ofGroup: 0, columns: ["c", "b", "c"]) { _, cells in
            let texts = try (0..<3).map { try cells.text($0) }
            #expect(texts == ["3", "1", "3"])
        }
    }
}
