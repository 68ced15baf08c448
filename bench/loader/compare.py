#!/usr/bin/env python3
"""Prints medians and ratios of what bench/loader/run measured: compare.py FOLDER"""
import json, statistics, sys


def median(name, figure):
    return statistics.median(figure(json.loads(line)) for line in open(f"{sys.argv[1]}/{name}.jsonl"))


figures = {
    "samples/s": lambda run: run["samplesPerSecond"],
    "CPU-ms a sample": lambda run: 1000 * run["cpuSeconds"] / run["samples"],
}
for text, figure in figures.items():
    ours, peer = median("ours", figure), median("peer", figure)
    print(f"{text}: ours {ours:.2f}, webdataset {peer:.2f}, ratio {ours / peer:.2f}")
