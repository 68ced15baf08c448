#!/usr/bin/env python3
"""Prints the medians of ours and the peer's rounds, their ratios, and what our parts reach: compare.py CACHE DTYPE

The same figures go to CACHE/result.jsonl, one object a line.
"""
import json
import statistics
import sys

from work import operations

cache, dtype = sys.argv[1:3]
PARTS = {
    "vision": "vision", "crossKeysValues": "cross keys/values", "decode": "decode", "sampling": "sampling",
    "rankImage": "CLIP image", "rankTexts": "CLIP texts",
}


def load(name):
    with open(f"{cache}/{name}") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def median(runs, get):
    return statistics.median(x for run in runs for x in get(run))


ours, peer = load("ours.jsonl"), load("peer.jsonl")
results = []
limit = median(ours, lambda run: run["matrixLimit"])
work = operations(cache, ours[0]["textTokens"])
print(f"ours {ours[0]['dtype']}, transformers {peer[0]['dtype']}; ten captions of 12 new tokens, eleven ranked; texts of "
      f"{max(ours[0]['textTokens'])} tokens at most")
print(f"matrix products alone, all engines side by side: {limit:.0f} GFLOP/s\n")
print(f"{'ours, by part':20s}{'s an image':>12s}{'GFLOP':>8s}{'GFLOP/s':>9s}{'of the limit':>14s}")
for part, title in PARTS.items():
    seconds, flops = median(ours, lambda run: run["parts"][part]), work.get(part)
    row = {"part": part, "dtype": ours[0]["dtype"], "seconds": seconds}
    line = f"{title:20s}{seconds:12.4f}"
    if flops and limit:
        row |= {"gflop": flops, "gflops": flops / seconds, "share_of_limit": flops / seconds / limit}
        line += f"{flops:8.1f}{flops / seconds:9.0f}{100 * flops / seconds / limit:12.0f} %"
    print(line)
    results.append(row)

print(f"\n{'seconds an image':20s}{'ours':>12s}{'transformers':>14s}{'times':>8s}")
totals = [0.0, 0.0]
for part in ("caption", "rank", "both"):
    figures = totals if part == "both" else [median(runs, lambda run: run[part]) for runs in (ours, peer)]
    if part != "both":
        totals = [total + figure for total, figure in zip(totals, figures)]
    print(f"{part:20s}{figures[0]:12.3f}{figures[1]:14.3f}{figures[1] / figures[0]:8.2f}")
    results.append({"total": part, "ours_s": figures[0], "peer_s": figures[1], "ratio": figures[1] / figures[0]})
measures = load("ours.measure"), load("peer.measure")
memory = [max(run["peak_process_mb"] for run in runs) for runs in measures]
others = max(run["other_share"] for runs in measures for run in runs)
print(f"{'peak memory, MB':20s}{memory[0]:12.0f}{memory[1]:14.0f}{memory[1] / memory[0]:8.2f}")
print(f"share of the machine used by others, at most: {others:.3f}")
results.append({"ours_peak_mb": memory[0], "peer_peak_mb": memory[1], "matrix_gflops": limit, "other_share": others})
with open(f"{cache}/result.jsonl", "w") as file:
    file.writelines(json.dumps(row) + "\n" for row in results)
