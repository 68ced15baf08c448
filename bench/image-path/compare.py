#!/usr/bin/env python3
"""Prints the medians of ours and the peer's runs, and their ratios: compare.py CACHE"""
import glob
import json
import statistics
import sys

cache = sys.argv[1]
URLS = 10_000


def load(name):
    with open(f"{cache}/{name}.jsonl") as file:
        return [json.loads(line) for line in file]


def median(runs, key):
    return statistics.median(run[key] for run in runs)


ours, peer = load("ours"), load("peer")
bad = [run for run in ours + peer if run["status"] != 0]
if bad:
    sys.exit(f"error: {len(bad)} runs failed; see {cache}/ours.log and {cache}/peer.log")
with open(f"{cache}/ours/dataset.json") as file:
    kept = sum(shard["samples"] for shard in json.load(file)["shards"])
peer_kept = sum(json.load(open(path))["successes"] for path in glob.glob(f"{cache}/peer/*_stats.json"))

print(f"{'':28s}{'ours':>10s}{'img2dataset':>13s}{'ratio':>8s}")
for title, figure in [
    ("URLs a second", lambda runs: URLS / median(runs, "wall_s")),
    ("CPU milliseconds a URL", lambda runs: 1000 * median(runs, "cpu_s") / URLS),
    ("peak memory, tree, MB", lambda runs: median(runs, "peak_pss_mb")),
    ("peak memory, one process, MB", lambda runs: median(runs, "peak_process_mb")),
]:
    a, b = figure(ours), figure(peer)
    print(f"{title:28s}{a:10.2f}{b:13.2f}{a / b:8.2f}")
print(f"{'samples kept':28s}{kept:10d}{peer_kept:13d}")
others = max(run["other_share"] for run in ours + peer)
print(f"share of the machine used by others, at most: {others:.3f}")
