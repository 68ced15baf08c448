#!/usr/bin/env python3
"""Prints what bench/stage1/run measured: the step beside PyTorch's, and the parts of ours beside the limit: compare.py FOLDER

The same figures go to FOLDER/result.jsonl, one object a line.
"""
import json
import statistics
import sys

folder = sys.argv[1]
results = []


def load(name):
    with open(f"{folder}/{name}.jsonl") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


with open("/proc/cpuinfo") as file:
    flags = next((line for line in file if line.startswith("flags")), "").split()
found = [name for name, flag in (("AVX-512 BF16", "avx512_bf16"), ("AMX BF16", "amx_bf16")) if flag in flags]
print("this processor multiplies bfloat16 with " + " and ".join(found) if found else
      "this processor has no bfloat16 products in hardware: bfloat16 here is float32 with conversions")
runs = {name: load(name) for name in ("ours", "peer", "parts")}
for precision in dict.fromkeys(run["precision"] for run in runs["ours"]):
    ours, peer, parts = ([r for r in runs[name] if r["precision"] == precision] for name in ("ours", "peer", "parts"))
    batch = ours[0]["batch"]
    step = {name: statistics.median(s for run in found for s in run["steps"])
            for name, found in (("ours", ours), ("peer", peer))}
    peak = {name: max(run["peak"] for run in found) / 2**30 for name, found in (("ours", ours), ("peer", peer))}
    ratio = step["peer"] / step["ours"]
    print(f"\n{precision}, batch {batch}: a step of {ours[0]['operations'] / 1e9 / batch:.0f} GFLOP an image")
    print(f"{'':24s}{'s a step':>10s}{'images/s':>10s}{'peak GiB':>10s}")
    for name, title in (("ours", "ours"), ("peer", "PyTorch")):
        print(f"{title:24s}{step[name]:10.3f}{batch / step[name]:10.2f}{peak[name]:10.2f}")
    print(f"ratio {ratio:.2f}")
    own = {name: statistics.median(run["parts"][name] for run in peer) for name in peer[0]["parts"]}
    print("PyTorch: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in own.items()))
    limit = statistics.median(x for run in parts for x in run["matrixLimit"])
    print(f"\nmatrix products alone: {limit:.0f} GFLOP/s")
    print(f"{'ours, each part alone':24s}{'forward s':>10s}{'backward s':>11s}{'GFLOP':>9s}{'GFLOP/s':>9s}{'of limit':>9s}")
    total = 0.0
    for number, part in enumerate(parts[0]["parts"]):
        forward, backward = (statistics.median(run["parts"][number][way] for run in parts) for way in ("forward", "backward"))
        work = part["operations"] / 1e9 * (3 if backward else 1)
        total += forward + backward
        line = f"{part['name']:24s}{forward:10.3f}{backward:11.3f}{work:9.0f}"
        if work > 1:
            rate = work / (forward + backward)
            line += f"{rate:9.0f}{100 * rate / limit:7.0f} %"
        print(line)
    print(f"{'together':24s}{total:10.3f}")
    results.append({"precision": precision, "batch": batch, "step": step, "peak_gib": peak, "ratio": ratio,
                    "limit": limit, "parts": parts[0]["parts"]})
with open(f"{folder}/result.jsonl", "w") as file:
    file.writelines(json.dumps(result) + "\n" for result in results)
