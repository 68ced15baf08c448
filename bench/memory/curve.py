"""Runs a command, samples the memory of it and its children twice a second, and draws the curve: curve.py SVG COMMAND..."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import chart
from measure import tree


def sampled(command):
    """Seconds, megabytes of all processes, megabytes of those below the first; twice a second until the command ends."""
    start = time.monotonic()
    process = subprocess.Popen(command)
    samples = []
    while process.poll() is None:
        processes = tree(process.pid)
        whole = sum(stat[2] for _, stat in processes) / 1e6
        own = sum(stat[2] for pid, stat in processes if pid == process.pid) / 1e6
        samples.append((time.monotonic() - start, whole, whole - own))
        time.sleep(0.5)
    if process.returncode != 0:
        sys.exit(process.returncode)
    return samples


def main():
    path, command = sys.argv[1], sys.argv[2:]
    samples = sampled(command)
    chart.draw(path, ("MB", ["all processes", "the worker"], samples))
    third = len(samples) // 3
    early, late = (max(s[1] for s in part) for part in (samples[third:2 * third], samples[2 * third:]))
    print(f"{samples[-1][0]:.0f} s; peak of the second third {early:.0f} MB, of the last third {late:.0f} MB: {path}")


if __name__ == "__main__":
    main()
