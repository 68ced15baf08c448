#!/usr/bin/env python3
"""Runs a command and says what it cost: measure.py [--server-pid N] [--json FILE] -- CMD...

Wall seconds; user + system CPU seconds of the command's whole process tree; peak sum of resident and proportional memory
over the living tree (sampled five times a second); peak of the largest process; CPU seconds of a server beside it; and the
share of the machine that anything else used, which says whether the wall time can be trusted (over 0.05: it cannot).
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def stat(pid):
    """(parent, CPU ticks, resident bytes) of a process; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[21]) * PAGE


def tree(root):
    table = {int(name): s for name in os.listdir("/proc") if name.isdigit() and (s := stat(name))}
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        if pid in table:
            found.append((pid, table[pid]))
        queue += [child for child, s in table.items() if s[0] == pid]
    return found


def proportional(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def busy():
    with open("/proc/stat") as file:
        v = [int(x) for x in file.readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / TICKS, sum(v) / TICKS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server-pid", type=int)
    parser.add_argument("--json")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    a = parser.parse_args()
    command = a.command[1:] if a.command[:1] == ["--"] else a.command
    server = (lambda: sum(s[1] for _, s in tree(a.server_pid)) / TICKS) if a.server_pid else (lambda: 0.0)

    peak = {"rss": 0, "pss": 0, "one": 0}
    stop = threading.Event()
    before, served, usage, start = busy(), server(), resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    process = subprocess.Popen(command)

    def sample():
        count = 0
        while not stop.wait(0.2):
            processes = tree(process.pid)
            peak["rss"] = max(peak["rss"], sum(s[2] for _, s in processes))
            peak["one"] = max([peak["one"]] + [s[2] for _, s in processes])
            if count % 5 == 0:
                peak["pss"] = max(peak["pss"], sum(proportional(pid) for pid, _ in processes))
            count += 1

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    status = process.wait()
    wall = time.time() - start
    stop.set()
    thread.join()
    ended, after, server_cpu = resource.getrusage(resource.RUSAGE_CHILDREN), busy(), server() - served
    cpu = ended.ru_utime - usage.ru_utime + ended.ru_stime - usage.ru_stime
    other = max(0.0, after[0] - before[0] - cpu - server_cpu) / max(1e-9, after[1] - before[1])
    result = {
        "status": status, "wall_s": round(wall, 3), "cpu_s": round(cpu, 3), "server_cpu_s": round(server_cpu, 3),
        "peak_rss_mb": round(peak["rss"] / 1e6, 1), "peak_pss_mb": round(peak["pss"] / 1e6, 1),
        "peak_process_mb": round(peak["one"] / 1e6, 1), "other_share": round(other, 4),
    }
    print("measure", json.dumps(result), file=sys.stderr, flush=True)
    if a.json:
        with open(a.json, "a") as file:
            file.write(json.dumps(result) + "\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
