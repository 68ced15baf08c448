"""Runs a command, samples the memory of it and its children twice a second, and draws the curve: curve.py SVG COMMAND..."""
import subprocess
import sys
import time


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        try:
            found += [int(child) for child in open(f"/proc/{parent}/task/{parent}/children").read().split()]
        except OSError:
            pass
    return found


def children_of_threads(pid):
    """Children that other threads than the first started."""
    import os
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += [int(child) for child in open(f"/proc/{pid}/task/{thread}/children").read().split()]
    except OSError:
        pass
    return found


def resident(pid):
    try:
        return int(open(f"/proc/{pid}/statm").read().split()[1]) * 4096
    except (OSError, IndexError):
        return 0


def draw(path, samples):
    width, height, left, bottom, top = 860, 340, 64, 44, 24
    seconds = max(samples[-1][0], 1)
    most = max(max(whole, worker) for _, whole, worker in samples)
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000) if most / 1e6 / s <= 8)
    ceiling = (int(most / 1e6 / step) + 1) * step

    def x(t): return left + (width - left - 20) * t / seconds
    def y(mb): return height - bottom - (height - bottom - top) * mb / ceiling
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for mb in range(0, ceiling + 1, step):
        parts.append(f'<path d="M{left} {y(mb):.1f}H{width - 20}" stroke="#ddd"/>'
                     f'<text x="{left - 8}" y="{y(mb) + 4:.1f}" text-anchor="end">{mb} MB</text>')
    for part in range(6):
        t = seconds * part / 5
        parts.append(f'<text x="{x(t):.1f}" y="{height - bottom + 18}" text-anchor="middle">{t:.0f} s</text>')
    for index, (name, colour) in enumerate([("all processes", "#1f77b4"), ("the worker", "#d62728")]):
        points = " ".join(f"{x(s[0]):.1f},{y(s[index + 1] / 1e6):.1f}" for s in samples)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
                     f'<text x="{left + 12 + 130 * index}" y="{top - 8}" fill="{colour}">{name}</text>')
    open(path, "w").write("\n".join(parts + ["</svg>"]) + "\n")


def main():
    path, command = sys.argv[1], sys.argv[2:]
    start = time.monotonic()
    process = subprocess.Popen(command)
    samples = []
    while process.poll() is None:
        below = children_of_threads(process.pid)
        workers = sum(resident(pid) for child in below for pid in tree(child))
        samples.append((time.monotonic() - start, workers + resident(process.pid), workers))
        time.sleep(0.5)
    if process.returncode != 0:
        sys.exit(process.returncode)
    draw(path, samples)
    third = len(samples) // 3
    early, late = (max(s[1] for s in part) / 1e6 for part in (samples[third:2 * third], samples[2 * third:]))
    print(f"{samples[-1][0]:.0f} s; peak of the second third {early:.0f} MB, of the last third {late:.0f} MB: {path}")


main()
