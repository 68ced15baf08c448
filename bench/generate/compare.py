"""Prints times an image, their ratios, how many texts are the same, and memory: compare.py CACHE IMAGES DTYPE

The same figures go to CACHE/result.json.
"""
import json
import sys

cache, count, dtype = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def lines(name):
    with open(f"{cache}/{name}") as file:
        return [json.loads(line) for line in file]


def best(side, beams, images):
    return min(run["wall_s"] for run in lines(f"{side}-{beams}-{images}.measure"))


results = []
print(f"{dtype}, {count} images, 20 new tokens; seconds an image beyond the first\n")
print(f"{'':12s}{'ours':>10s}{'transformers':>14s}{'times':>8s}{'same texts':>12s}{'MB':>8s}{'MB there':>10s}")
for beams, title in ((1, "greedy"), (5, "5 beams")):
    ours, peer = ((best(side, beams, count) - best(side, beams, 1)) / (count - 1) for side in ("ours", "peer"))
    memory = [max(run["peak_process_mb"] for run in lines(f"{side}-{beams}-{count}.measure")) for side in ("ours", "peer")]
    texts = [{row["image"]: row["tokens"] if side == "peer" else row["outputs"][0]["tokens"]
              for row in lines(f"{side}-{beams}-{count}.jsonl")} for side in ("ours", "peer")]
    same = sum(texts[0][name] == texts[1][name] for name in texts[0])
    print(f"{title:12s}{ours:10.3f}{peer:14.3f}{peer / ours:8.2f}{same:8d} of {count}{memory[0]:7.0f}{memory[1]:10.0f}")
    others = max(run["other_share"] for side in ("ours", "peer") for run in lines(f"{side}-{beams}-{count}.measure"))
    results.append({"beams": beams, "ours_s": ours, "peer_s": peer, "ratio": peer / ours, "same": same, "images": count,
                    "ours_peak_mb": memory[0], "peer_peak_mb": memory[1], "dtype": dtype, "other_share": others})
print(f"share of the machine used by others, at most: {max(row['other_share'] for row in results):.3f}")
with open(f"{cache}/result.json", "w") as file:
    json.dump(results, file, indent=1)
