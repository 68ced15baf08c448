#!/usr/bin/env python3
"""Hosts in trouble, one at a time: no good row may be lost. cases.py CACHE [CASE...]

Prints for each case the good rows that were lost (goal: 0), the exit code, rows a second, and how the host was treated.
"""
import collections
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

# Name -> rows, settings of the host (world.py), what stands in the manifest's `fetch`, what it is.
CASES = {
    "backlog": (600, {"backlog": 5, "accept_every": 0.005, "close": True}, "", "a listen backlog of 5"),
    "limited": (600, {"limit": 8, "retry_after": 2, "delay": [0.05, 0.2]}, "", "429 with Retry-After above 8 at once"),
    "stalled": (1500, {"stall": [1, 8]}, "timeout: 5", "says nothing for 7 s"),
    "late": (160, {"delay": [7, 7]}, "", "each answer begins after 7 s"),
    "reset": (600, {"reset": 0.34, "close": True}, "", "a third of the connections is reset"),
    "plain": (312, {"refused": True}, "", "python3 -m http.server"),
    "lookup": (300, {"lookup_fails": 1}, "", "the first lookup of its name fails"),
    "tcp": (300, {"truncated": True}, "", "its name is told over TCP alone"),
    "halfdead": (300, {"first_address": "10.99.0.2"}, "", "the first of its two addresses refuses"),
    "away": (300, {"away": [0, 30]}, "", "refuses for 30 s"),
    "offline": (60, {}, "outage: 5", "started without a network, then with one"),
    "outage": (1500, {"delay": [0.05, 0.1]}, "", "no network for 15 s in the middle"),
    "trickle": (40, {"trickle": 170}, "timeout: 200", "four bodies of 40 take 170 s and break off at first"),
}
LIMIT = 600  # seconds a case may take


class Run:
    """One case: its list, its world, its build."""

    def __init__(self, cache, name, pictures):
        self.rows, self.host, self.fetch, self.title = CASES[name]
        self.name, self.pictures, self.folder = name, pictures, lab.fresh(f"{cache}/{name}")
        self.exits = []

    def hosts(self):
        hosts = [{"name": "one.test", "address": "10.99.0.1", **self.host}]
        if self.name == "trickle":
            hosts.append({"name": "other.test", "address": "10.99.0.2"})
        return hosts

    def url(self, row):
        if self.name == "plain":
            picture = os.path.basename(self.pictures[row % len(self.pictures)])
            return f"http://one.test/img/{picture}?row={row}"
        host = "other.test" if self.name == "trickle" and row % 10 else "one.test"
        return f"http://{host}/{row}-{row % len(self.pictures)}.jpg"

    def build(self):
        code, seconds = lab.build(self.manifest, f"{self.folder}/out", f"{self.folder}/log", limit=LIMIT)
        self.exits.append(code)
        return seconds

    def run(self):
        lab.write_list(f"{self.folder}/urls.csv", map(self.url, range(self.rows)))
        self.manifest = lab.write_manifest(self.folder, fetch=self.fetch, samples=500)
        with lab.World(self.folder, self.hosts(), self.pictures) as world:
            self.seconds = getattr(self, f"run_{self.name}", self.build)()
        self.world = world.record
        rows = lab.tables(f"{self.folder}/out")
        self.lost = [rows.get(row, ("no row", "", None)) for row in range(self.rows)]
        self.lost = [row for row in self.lost if row[0] != "success"]

    def run_plain(self):
        site = os.path.dirname(os.path.dirname(self.pictures[0]))
        server = subprocess.Popen([sys.executable, "-m", "http.server", "80", "--bind", "10.99.0.1", "--directory", site],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lab.die_with_parent)
        time.sleep(1)
        try:
            return self.build()
        finally:
            server.kill()
            server.wait()

    def run_offline(self):
        lab.network("down")
        self.build()
        recorded = len(lab.tables(f"{self.folder}/out"))
        lab.network("up")
        self.title += f"; {recorded} rows recorded without it"
        return self.build()

    def run_outage(self):
        def interrupt():
            time.sleep(2)
            lab.network("down")
            time.sleep(15)
            lab.network("up")

        thread = threading.Thread(target=interrupt)
        thread.start()
        seconds = self.build()
        thread.join()
        return seconds

    def show(self):
        host = self.world["hosts"][0]
        treated = f"{host['most_connections']:6d}{host['most_a_second']:8d}"
        exits = ",".join(map(str, self.exits))
        print(f"{self.name:9s}{self.rows:6d}{len(self.lost):6d}{exits:>7s}{self.seconds:8.1f}"
              f"{self.rows / self.seconds:9.1f}{treated}  {self.title}", flush=True)
        for (status, message), count in collections.Counter(row[:2] for row in self.lost).most_common(3):
            print(f"{'':15s}{count:6d}  {status}: {message}", flush=True)


def main():
    cache, names = sys.argv[1], sys.argv[2:] or list(CASES)
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.exit(f"error: no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    lab.enter_network(cache)
    pictures = lab.images(os.path.dirname(cache))
    print(f"{'case':9s}{'rows':>6s}{'lost':>6s}{'exit':>7s}{'seconds':>8s}{'rows/s':>9s}{'conns':>6s}{'req/s':>8s}")
    lost = 0
    for name in names:
        run = Run(cache, name, pictures)
        run.run()
        run.show()
        lost += len(run.lost)
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
