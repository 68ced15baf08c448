"""Compares runs of bench/bootstrap/run: a table of mean and spread, curves as an SVG, and whether the kept captions win.

Usage: compare.py RUNS SEEDS. Exit 1 where they do not win by more than the spread between seeds, or where the run on
permuted captions does not say that it is dead.
"""
import json
import os
import sys

ARMS = ("web", "kept")
COLOURS = {"web": "#d62728", "kept": "#1f77b4", "permuted": "#7f7f7f"}
SHOWN = (
    ("recall@1, image to text, ITC", lambda e, _: 100 * e["itc"]["image_to_text"]["recall_at_1"]),
    ("recall@1, text to image, ITC", lambda e, _: 100 * e["itc"]["text_to_image"]["recall_at_1"]),
    ("recall@1, image to text, ITC + ITM", lambda e, _: 100 * e["itm"]["image_to_text"]["recall_at_1"]),
    ("recall@1, text to image, ITC + ITM", lambda e, _: 100 * e["itm"]["text_to_image"]["recall_at_1"]),
    ("recall@10, image to text, ITC + ITM", lambda e, _: 100 * e["itm"]["image_to_text"]["recall_at_10"]),
    ("recall@10, text to image, ITC + ITM", lambda e, _: 100 * e["itm"]["text_to_image"]["recall_at_10"]),
    ("ITM accuracy, held out (chance 66.7)", lambda _, log: 100 * last(log, "validation_itm_accuracy")),
)
CURVES = (
    ("validation_itm_accuracy", "ITM accuracy, held out"), ("validation_itc", "ITC, held out"), ("itm", "ITM, training"),
    ("itc", "ITC, training"))
# Those that decide; all four must agree.
DECIDING = 4


def last(log, name):
    return [line[name] for line in log if name in line][-1]


def read(runs, name):
    with open(f"{runs}/{name}.json") as file:
        evaluation = json.load(file)
    with open(f"{runs}/{name}/log.jsonl") as file:
        return evaluation, [json.loads(line) for line in file]


def mean(values):
    return sum(values) / len(values)


def spread(values):
    return max(values) - min(values)


def smooth(points, count=40):
    """Means of neighbours, `count` of them at most."""
    size = max(1, len(points) // count)
    groups = [points[start:start + size] for start in range(0, len(points), size)]
    return [(mean([x for x, _ in group]), mean([y for _, y in group])) for group in groups]


def panel(title, curves, top):
    """One chart, `curves` as (arm, points): (step, value)."""
    points = [p for _, own in curves for p in own]
    if not points:
        return
    steps, low, high = max(x for x, _ in points), min(y for _, y in points), max(y for _, y in points)
    room = (high - low or 1) * 0.05
    low, high = low - room, high + room

    def place(x, y):
        return f"{60 + 660 * x / steps:.1f},{top + 190 - 160 * (y - low) / (high - low):.1f}"
    yield f'<text x="60" y="{top + 18}" font-weight="bold">{title}</text>'
    for part in range(5):
        y = low + (high - low) * part / 4
        yield (f'<path d="M{place(0, y)}L{place(steps, y)}" stroke="#ddd"/>'
               f'<text x="54" y="{place(0, y).split(",")[1]}" text-anchor="end">{y:.3g}</text>')
    for arm, own in curves:
        line = " ".join(place(x, y) for x, y in own)
        yield f'<polyline points="{line}" fill="none" stroke="{COLOURS[arm]}" stroke-width="1.5"/>'
    yield f'<text x="720" y="{top + 206}" text-anchor="end">step {round(steps)}</text>'


def draw(path, logs):
    height = 40 + 220 * len(CURVES)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="760" height="{height}" fill="#fff"/>']
    for number, (arm, colour) in enumerate(COLOURS.items()):
        parts.append(f'<text x="{60 + 100 * number}" y="22" fill="{colour}">{arm}</text>')
    for number, (name, title) in enumerate(CURVES):
        curves = [(arm, smooth([(line["step"], line[name]) for line in log if name in line])) for arm, log in logs]
        parts += panel(title, curves, 30 + 220 * number)
    with open(path, "w") as file:
        file.write("\n".join(parts + ["</svg>"]) + "\n")


def main():
    runs, seeds = sys.argv[1], int(sys.argv[2])
    read_runs = {arm: [read(runs, f"{arm}-{seed + 1}") for seed in range(seeds)] for arm in ARMS}
    permuted = read(runs, "permuted-1")
    wins = 0
    print(f"{'':36}  {'web':>15}  {'kept':>15}  {'gain':>6}  {'permuted':>8}")
    for number, (name, value) in enumerate(SHOWN):
        web, kept = ([value(*run) for run in read_runs[arm]] for arm in ARMS)
        gain, noise = mean(kept) - mean(web), max(spread(web), spread(kept))
        wins += number < DECIDING and gain > noise
        cells = [f"{mean(own):6.2f} ± {spread(own) / 2:5.2f} " for own in (web, kept)]
        print(f"{name:36}  {cells[0]:>15}  {cells[1]:>15}  {gain:+6.2f}  {value(*permuted):8.2f}")
    print(f"Mean and half the range of {seeds} seeds, in per cent.")
    draw(f"{runs}/curves.svg", [(arm, log) for arm in ARMS for _, log in read_runs[arm]] + [("permuted", permuted[1])])
    print(f"curves: {os.path.abspath(runs)}/curves.svg")
    with open(f"{runs}/permuted-1.txt") as file:
        dead = [line.strip() for line in file if "the run is dead" in line]
    print(dead[-1] if dead else "permuted captions: the run does not say that it is dead")
    others = [f"{arm}-{seed + 1}" for arm in ARMS for seed in range(seeds)
              if "the run is dead" in open(f"{runs}/{arm}-{seed + 1}.txt").read()]
    if others:
        print(f"dead too: {', '.join(others)}")
    won = wins == DECIDING
    print(f"The kept captions win by more than the range between seeds in {wins} of {DECIDING} recalls at 1.")
    sys.exit(0 if won and dead and not others else 1)


main()
