#!/usr/bin/env python3
"""Lists as Python's programs write them, beside what Python reads in them: lists.py CACHE [types|csv|jsonl|tar ...]

Every value must come out exactly as Python gives it, or the list is refused in one line (exit 65) that names the column or the place.
"""
import collections
import csv
import datetime
import decimal
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "wild")]
import lab

import pyarrow as pa
import pyarrow.parquet as parquet

bad = collections.Counter()
good = collections.Counter()


class Ground:
    def __init__(self, folder, picture):
        self.folder = lab.fresh(folder)
        os.makedirs(f"{folder}/images")
        with open(picture, "rb") as file:
            self.picture = file.read()
        with open(f"{folder}/images/1.jpg", "wb") as file:
            file.write(self.picture)

    def build(self, source):
        """Exit code, last line of the messages, and the rows in their order."""
        output = lab.fresh(f"{self.folder}/out")
        with open(f"{self.folder}/manifest.yaml", "w") as file:
            file.write(f"version: 1\nname: lists\nimage: {{size: 96}}\nsources:\n  - {{name: x, captions: original, {source}}}\n")
        try:
            done = subprocess.run([lab.PIPELINE, "build", "--manifest", f"{self.folder}/manifest.yaml", "--output", output],
                                  capture_output=True, text=True, errors="replace", timeout=60)
        except subprocess.TimeoutExpired:
            return -9, "hangs for 60 s", []
        rows = []
        for number in range(99):
            path = f"{output}/shards/x-{number:06d}.parquet"
            if not os.path.exists(path):
                break
            rows += parquet.read_table(path).to_pylist()
        lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
        return done.returncode, (lines or done.stderr.splitlines() or ["no message"])[-1], rows


def judge(kind, what, is_good, became):
    (good if is_good else bad)[kind] += 1
    if not is_good:
        print(f"BAD  {kind:7s}{what}: {became}"[:400], flush=True)


# --- Types of Parquet's columns
D = decimal.Decimal
NOW = datetime.datetime(2024, 2, 29, 23, 59, 58, 123456)
TYPES = {  # type, three values, the text that must come out; None: a text of any form with these digits
    "int8": (pa.int8(), [-128, 0, 127]), "int16": (pa.int16(), [-32768, 1, 32767]),
    "int32": (pa.int32(), [-2**31, 1, 2**31 - 1]), "int64": (pa.int64(), [-2**63, 2**53 + 1, 2**63 - 1]),
    "uint8": (pa.uint8(), [0, 1, 255]), "uint16": (pa.uint16(), [0, 1, 65535]),
    "uint32": (pa.uint32(), [0, 1, 2**32 - 1]), "uint64": (pa.uint64(), [0, 2**53 + 1, 2**64 - 1]),
    "bool": (pa.bool_(), [True, False, True]), "float64": (pa.float64(), [0.1, 1.0, 1e300]),
    "float32": (pa.float32(), [0.5, 1.0, 2.25]), "float16": (pa.float16(), [0.5, 1.0, 2.0]),
    "decimal128": (pa.decimal128(38, 10), [D("1.5"), D("12345678901234567890.0000000001"), D("-1")]),
    "decimal small": (pa.decimal128(9, 2), [D("1.50"), D("-9999999.99"), D("0")]),
    "decimal256": (pa.decimal256(60, 0), [D(10**50), D(1), D(-(10**50) - 1)]),
    "date32": (pa.date32(), [NOW.date()] * 3), "date64": (pa.date64(), [NOW.date()] * 3),
    "time32": (pa.time32("ms"), [datetime.time(1, 2, 3)] * 3), "time64": (pa.time64("us"), [datetime.time(1, 2, 3, 4)] * 3),
    "timestamp s": (pa.timestamp("s"), [NOW.replace(microsecond=0)] * 3), "timestamp ns": (pa.timestamp("ns"), [NOW] * 3),
    "timestamp zone": (pa.timestamp("us", "Europe/Berlin"), [NOW.replace(tzinfo=datetime.timezone.utc)] * 3),
    "duration": (pa.duration("s"), [datetime.timedelta(seconds=5)] * 3),
    "string": (pa.string(), ["a", "", "ä\"'"]), "large string": (pa.large_string(), ["a", "b", "ä"]),
    "string view": (pa.string_view(), ["a", "b", "a text that is longer than twelve bytes"]),
    "binary": (pa.binary(), [b"\x00\xff", b"abc", b""]), "fixed binary": (pa.binary(16), [uuid.UUID(int=n).bytes for n in (1, 2, 2**127)]),
    "uuid": (pa.uuid(), [uuid.UUID(int=n).bytes for n in (1, 2, 2**127)]) if hasattr(pa, "uuid") else None,
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), ["a", "b", "a"]),
    "dictionary int": (pa.dictionary(pa.int8(), pa.int64()), [2**53 + 1, 5, 2**53 + 1]),
    "list": (pa.list_(pa.string()), [["a", "b"], [], ["c"]]), "list int": (pa.list_(pa.int64()), [[2**53 + 1], [], [1, 2]]),
    "nested list": (pa.list_(pa.list_(pa.string())), [[["a"]], [], [["b", "c"]]]),
    "struct": (pa.struct([("a", pa.int32())]), [{"a": 1}, None, {"a": 2}]),
    "image struct": (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), [{"bytes": b"x", "path": "1.jpg"}] * 3),
    "map": (pa.map_(pa.string(), pa.int32()), [[("a", 1)], [], [("b", 2)]]), "null": (pa.null(), [None] * 3),
    "JSON": (pa.json_(pa.string()), ['{"a": 1}'] * 3) if hasattr(pa, "json_") else None,
}
ROLES = {
    "id": "id_column: odd", "caption": "caption_column: odd", "nsfw": "nsfw_column: odd, filter: {nsfw: ['true', a, '1']}",
    "width": "width_column: odd, height_column: odd, filter: {min_side: 2}",
}


def text_of(value):
    """How a value may be written as text."""
    if value is None:
        return {None, ""}
    if isinstance(value, bool):
        return {str(value), str(value).lower()}
    if isinstance(value, decimal.Decimal):
        return {str(value), f"{value:f}"}
    if isinstance(value, datetime.datetime):
        return {plain(value.isoformat())}
    if isinstance(value, uuid.UUID):
        return {str(value)}
    if isinstance(value, bytes):
        replaced = value.decode(errors="replace")
        return {replaced} if value.decode(errors="ignore") == replaced else {"0x" + value.hex(), replaced.replace("\0", "")}
    if isinstance(value, float):
        return {repr(value), f"{value:g}", str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)}
    return {str(value)}


def plain(moment):
    """A moment in ISO 8601 without what says UTC, and without zeros at its end."""
    moment = moment.replace(" ", "T").removesuffix("+00:00").removesuffix("Z")
    return moment.rstrip("0").rstrip(".") if "." in moment else moment


def flat(value):
    """The values of a list and of the lists in it."""
    return [inner for one in value for inner in flat(one)] if isinstance(value, list) else [value]


def types(ground):
    for name, entry in TYPES.items():
        if entry is None:
            continue
        kind, values = entry
        try:
            if kind == pa.float16():
                import numpy
                array = pa.array(numpy.array(values, numpy.float16))
            elif isinstance(kind, pa.BaseExtensionType):
                array = pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
            else:
                array = pa.array(values, kind)
            table = pa.table({"url": ["1.jpg"] * 3, "caption": ["one", "two", "three"], "odd": array})
            parquet.write_table(table, f"{ground.folder}/a.parquet")
        except Exception as problem:
            print(f"     types  {name}: pyarrow does not write it: {problem}"[:160])
            continue
        for role, options in ROLES.items():
            code, message, rows = ground.build(f"format: parquet, path: a.parquet, image_root: images, {options}")
            what = f"{name} as {role}"
            if code == 65:
                judge("types", what, "odd" in message, f"refused without the column's name: {message}")
                continue
            if len(rows) != 3 or code not in (0, 1):
                judge("types", what, False, f"exit {code}, {len(rows)} rows: {message}")
                continue
            # As Python reads them back: decimals in all digits of their column, bytes of fixed length in hexadecimal ones.
            back = values if isinstance(values[0], datetime.datetime) else array.to_pylist()
            if pa.types.is_fixed_size_binary(kind):
                back = [value.hex() for value in back]
            shown = [text_of(value) for value in back]
            moment = plain if isinstance(values[0], datetime.datetime) else str
            if role == "id":
                found = [row["source_id"] for row in rows]
                fits = all(f and moment(f) in s or (f in (None, "") and s & {None, ""}) for f, s in zip(found, shown))
                date = isinstance(values[0], (datetime.date, datetime.time, datetime.timedelta))
                judge("types", what, fits or date and all(f and "e+" not in f for f in found), f"{values} became {found}")
            elif role == "caption" and "list" not in name:
                found = [row["web_caption"] or None for row in rows]
                fits = all(f and moment(f) in s or f is None and s & {None, ""} for f, s in zip(found, shown))
                judge("types", what, fits, f"{values} became {found}")
            elif role == "caption":
                texts = [[str(text) for text in flat(value)] for value in values]
                wanted = [("success", text[0]) if text else ("bad_row", None) for text in texts]
                found = [(row["status"], row["web_caption"] or None) for row in rows]
                judge("types", what, found == wanted, f"{values} became {found}")
            elif role == "nsfw":
                wanted = [bool(text & {"true", "True", "a", "1"}) for text in shown]
                found = [row["status"].startswith("filtered") for row in rows]
                judge("types", what, found == wanted or "list" in name, f"{values}: filtered {found}, wanted {wanted}")
            else:
                numbers = all(isinstance(v, (int, float, decimal.Decimal)) and not isinstance(v, bool) for v in values)
                if numbers:
                    wanted = [float(v) < 2 for v in values]
                    found = [row["status"].startswith("filtered") for row in rows]
                    judge("types", what, found == wanted, f"{values}: filtered {found}, wanted {wanted}")
                elif isinstance(values[0], bytes):
                    wanted = ["bad_row" if value else "success" for value in values]
                    found = [row["status"] for row in rows]
                    judge("types", what, found == wanted, f"bytes that are not numbers are read: {found}")
                else:
                    is_text = isinstance(values[0], str) or values[0] is None
                    judge("types", what, is_text, f"a column that holds no numbers is read: {[r['status'] for r in rows]}")


# --- Text
LETTERS = ["a", "b", " ", ",", ";", "\t", '"', "'", "\\", "\n", "\r\n", "ä", "漢", "😀", "\u200b", "%", "#", "=", "0", "|", "é", "\x0b", "\u2028"]


def text(chance, most=12):
    made = "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, most))).strip()
    return made or "x"


def folded(value):
    """A caption's spaces may be made one; nothing else of it may change."""
    return " ".join((value or "").split())


def csv_lists(ground):
    chance = random.Random(21)
    for number in range(80):
        delimiter = chance.choice([",", ";", "\t", "|"])
        style = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
        end = chance.choice(["\n", "\r\n"])
        rows = [("1.jpg", text(chance), str(n)) for n in range(chance.randint(1, 30))]
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, quoting=style, lineterminator=end)
        writer.writerow(["url", "caption", "id"])
        writer.writerows(rows)
        data = (chance.choice([b"", b"\xef\xbb\xbf"]) + out.getvalue().encode()).removesuffix(
            end.encode() if chance.random() < 0.3 else b"\0")
        with open(f"{ground.folder}/a.csv", "wb") as file:
            file.write(data)
        code, message, found = ground.build(f"format: csv, path: a.csv, image_root: images, id_column: id, delimiter: {json.dumps(delimiter)}")
        compare("csv", f"list {number}", code, message, found, [(r[1], r[2]) for r in rows])


def compare(kind, what, code, message, found, wanted):
    if code not in (0, 1):
        return judge(kind, what, False, f"exit {code}: {message}")
    got = [(folded(row["web_caption"]), row["source_id"]) for row in found]
    want = [(folded(caption), number) for caption, number in wanted]
    different = [(g, w) for g, w in zip(got, want) if g != w]
    judge(kind, what, got == want, f"{len(got)} rows of {len(want)}; {len(different)} differ, first: {different[:1]}")


def jsonl_lists(ground):
    chance = random.Random(22)
    odd = [float("nan"), float("inf"), None, True, 1.5, 2**63 + 5, [], {}, {"a": [1, {"b": None}]}, "\ud800", 10**30]
    for number in range(80):
        lines, wanted = [], []
        for n in range(chance.randint(1, 30)):
            identity = chance.choice([n, str(n), 2**53 + 1 + n, -n, 2**64 - 1 - n])
            record = {"url": "1.jpg", "caption": text(chance), "id": identity, f"more{n}": chance.choice(odd)}
            items = list(record.items())
            chance.shuffle(items)
            line = json.dumps(dict(items), ensure_ascii=chance.random() < 0.5)
            if chance.random() < 0.1:
                line = line.replace('"url"', '"url": "2.jpg", "url"', 1)  # a key twice: Python takes the last
            lines.append(line)
            wanted.append((record["caption"], str(identity)))
            if chance.random() < 0.1:
                lines.append(chance.choice(["", "   "]))
        end = chance.choice(["\n", "\r\n"])
        data = (end.join(lines) + chance.choice(["", end])).encode("utf-8", "surrogatepass")
        with open(f"{ground.folder}/a.jsonl", "wb") as file:
            file.write(chance.choice([b"", b"\xef\xbb\xbf"]) + data)
        code, message, found = ground.build("format: jsonl, path: a.jsonl, image_root: images, id_column: id")
        compare("jsonl", f"list {number}", code, message, found, wanted)


def tar_lists(ground):
    """Samples as webdataset's writer and Macs pack them."""
    chance = random.Random(23)
    for number in range(40):
        wanted = []
        form = chance.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
        mode, name = chance.choice([("w", "a.tar"), ("w:gz", "a.tar.gz"), ("w:xz", "a.tar.xz"), ("w:bz2", "a.tar.bz2")])
        with tarfile.open(f"{ground.folder}/{name}", mode, format=form) as packed:
            def add(name, data):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                packed.addfile(info, io.BytesIO(data))
            for n in range(chance.randint(1, 12)):
                key = chance.choice(["", "./", "folder/", "a.b/"]) + f"{n:04d}" + chance.choice(["", "x" * 120 if form != tarfile.USTAR_FORMAT else ""])
                caption = text(chance)
                members = [(f"{key}.jpg", ground.picture), (f"{key}.txt", chance.choice([b"", b"\xef\xbb\xbf"]) + caption.encode())]
                if chance.random() < 0.5:
                    members.append((f"{key}.json", json.dumps({"key": key, "score": float("nan")}).encode()))
                chance.shuffle(members)
                for member, data in members:
                    if chance.random() < 0.3:
                        folder, _, base = member.rpartition("/")
                        add(f"{folder + '/' if folder else ''}._{base}", b"\0\5\x16\7" + bytes(80))
                    add(member, data)
                wanted.append(folded(caption))
                if chance.random() < 0.2:
                    add(f"__MACOSX/._{n}", b"\0\5\x16\7")
        code, message, found = ground.build(f"format: webdataset, path: {name}")
        os.remove(f"{ground.folder}/{name}")
        got = [folded(row["web_caption"]) for row in found]
        judge("tar", f"archive {number} ({name}, format {form})", code == 0 and got == wanted and all(r["status"] == "success" for r in found),
              f"exit {code}: {message}; {len(got)} rows of {len(wanted)}: {collections.Counter(r['status'] for r in found)}; "
              f"{[(g, w) for g, w in zip(got, wanted) if g != w][:1]}")


KINDS = {"types": types, "csv": csv_lists, "jsonl": jsonl_lists, "tar": tar_lists}


def main():
    cache, names = sys.argv[1], sys.argv[2:] or list(KINDS)
    pictures = lab.images(os.path.dirname(cache) + "/wild")
    ground = Ground(os.path.abspath(f"{cache}/lists"), min(pictures, key=os.path.getsize))
    for name in names:
        KINDS[name](ground)
        print(f"{name}: {good[name]} of {good[name] + bad[name]} as Python reads them, or refused", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
