#!/usr/bin/env python3
"""Prints the medians of ours and the peer's rounds, and their ratios: compare.py CACHE DTYPE"""
import json
import statistics
import sys

cache, dtype = sys.argv[1:3]


def load(name):
    with open(f"{cache}/{name}") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


ours, peer = load("ours.jsonl"), load("peer.jsonl")
print(f"{dtype}; ten captions of 12 new tokens, eleven ranked; texts of {max(ours[0]['textTokens'])} tokens at most")
print(f"{'seconds an image':24s}{'ours':>10s}{'transformers':>14s}{'times':>8s}")
totals = [0.0, 0.0]
for part in ("caption", "rank"):
    figures = [statistics.median(x for run in runs for x in run[part]) for runs in (ours, peer)]
    totals = [total + figure for total, figure in zip(totals, figures)]
    print(f"{part:24s}{figures[0]:10.3f}{figures[1]:14.3f}{figures[1] / figures[0]:8.2f}")
print(f"{'both':24s}{totals[0]:10.3f}{totals[1]:14.3f}{totals[1] / totals[0]:8.2f}")
measures = load("ours.measure"), load("peer.measure")
memory = [max(run["peak_process_mb"] for run in runs) for runs in measures]
print(f"{'peak memory, MB':24s}{memory[0]:10.0f}{memory[1]:14.0f}{memory[1] / memory[0]:8.2f}")
print(f"share of the machine used by others, at most: {max(run['other_share'] for runs in measures for run in runs):.3f}")
