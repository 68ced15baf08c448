#!/usr/bin/env python3
"""Prints what bench/stage2/run measured: the step beside transformers': compare.py FOLDER"""
import json
import statistics
import sys

folder = sys.argv[1]


def load(name):
    with open(f"{folder}/{name}.jsonl") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


ours, peer = load("ours"), load("peer")
batch, work = ours[0]["batch"], ours[0]["operations"]
print(f"{ours[0]['precision']}, batch {batch}: a step of {work / 1e9 / batch:.0f} GFLOP an image")
print(f"{'':24s}{'s a step':>10s}{'images/s':>10s}{'GFLOP/s':>10s}{'peak GiB':>10s}")
step = {}
for title, runs in (("ours", ours), ("transformers", peer)):
    step[title] = statistics.median(s for run in runs for s in run["steps"])
    peak = max(run["peak"] for run in runs) / 2**30
    print(f"{title:24s}{step[title]:10.3f}{batch / step[title]:10.2f}{work / 1e9 / step[title]:10.0f}{peak:10.2f}")
print(f"ratio {step['transformers'] / step['ours']:.2f}")
