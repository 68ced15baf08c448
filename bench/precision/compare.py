"""Compares the kept captions of data sets that differ in precision alone: compare.py FOLDER"""
import glob
import sys

import pyarrow.parquet as pq

folder = sys.argv[1]


def table(name):
    rows = {}
    for path in sorted(glob.glob(f"{folder}/{name}/shards/*.parquet")):
        for row in pq.read_table(path, columns=["key", "status", "captions", "candidates"]).to_pylist():
            if row["status"] == "success":
                rows[row["key"]] = row
    return rows


print(f"{'images':10s}{'precision':12s}{'number':>8s}{'same two kept':>15s}{'same best':>11s}{'same ten made':>15s}")
for images in ("scenes", "noise"):
    reference = table(f"{images}-float32")
    for precision in ("bfloat16", "int8"):
        other = table(f"{images}-{precision}")
        assert reference.keys() == other.keys() and reference, f"{images}: the data sets hold other rows"
        kept = best = made = 0
        for key, row in reference.items():
            ours, theirs = row["captions"], other[key]["captions"]
            kept += set(ours) == set(theirs)
            best += ours[0] == theirs[0]
            made += row["candidates"] == other[key]["candidates"]
        share = [f"{100 * value / len(reference):.1f} %" for value in (kept, best, made)]
        print(f"{images:10s}{precision:12s}{len(reference):8d}{share[0]:>15s}{share[1]:>11s}{share[2]:>15s}")
