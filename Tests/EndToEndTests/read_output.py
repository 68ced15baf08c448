"""Reads an output with others' tools and prints what they found: read_output.py OUTPUT

JSON with, for each shard, the keys that GNU tar and webdataset see and the rows that pyarrow sees. Every JPEG, PNG and
WebP is decoded by Pillow.
"""
import glob
import io
import json
import os
import subprocess
import sys

import pyarrow.parquet
import webdataset
from PIL import Image


def by_tar(path):
    names = subprocess.run(["tar", "--zstd", "-tf", path], check=True, capture_output=True, text=True).stdout.split()
    return names


def by_webdataset(path):
    samples = []
    for sample in webdataset.WebDataset(f"pipe:zstd -dcq {path}", shardshuffle=False):
        suffix = next(e for e in ("jpg", "png", "webp") if e in sample)
        image = Image.open(io.BytesIO(sample[suffix]))
        image.load()
        meta = json.loads(sample["meta.json"])
        captions = json.loads(sample["json"])
        samples.append({
            "key": sample["__key__"], "suffix": suffix, "size": list(image.size), "text": sample["txt"].decode(),
            "captions": captions, "meta": meta,
        })
    return samples


def main(output):
    shards = {}
    for path in sorted(glob.glob(os.path.join(output, "shards", "*.tar.zst"))):
        name = os.path.basename(path).removesuffix(".tar.zst")
        table = pyarrow.parquet.read_table(path.removesuffix(".tar.zst") + ".parquet")
        shards[name] = {"members": by_tar(path), "samples": by_webdataset(path), "rows": table.to_pylist()}
    json.dump(shards, sys.stdout)


main(sys.argv[1])
