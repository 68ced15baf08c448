#!/usr/bin/env python3
"""Loads what `blip2 benchmark-load` loads, with PyTorch: `shards` and `pickled` print memory and time, `save` makes the latter.

Every element is looked at, as ours does."""
import glob
import json
import os
import sys
import time

import torch
from safetensors.torch import load_file


def memory(key):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(key + ":"))


def tensors(kind, folder):
    if kind == "pickled":
        yield from torch.load(folder + "/pytorch_model.bin", map_location="cpu", weights_only=True, mmap=True).items()
        return
    for path in sorted(glob.glob(folder + "/*.safetensors")):
        yield from load_file(path).items()


kind, folder = sys.argv[1:3]
if kind == "save":
    os.makedirs(sys.argv[3], exist_ok=True)
    torch.save(dict(tensors("shards", folder)), sys.argv[3] + "/pytorch_model.bin")
    sys.exit()
before = {key: memory(key) for key in ("RssAnon", "RssFile")}
peak, kept, start = {"RssAnon": 0, "RssFile": 0}, [], time.time()
for name, tensor in tensors(kind, folder):
    assert tensor.isfinite().all(), name
    kept.append(tensor)
    for key in peak:
        peak[key] = max(peak[key], memory(key) - before[key])
stored = sum(tensor.nbytes for tensor in kept)
print(json.dumps({"peer": kind, "tensors": len(kept), "stored": stored, "seconds": time.time() - start,
                  "peakOwn": peak["RssAnon"], "peakFiles": peak["RssFile"]}))
