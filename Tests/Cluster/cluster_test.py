#!/usr/bin/env python3
"""Builds on real clusters of this machine, broken on purpose: scripts/cluster-test says how it is used."""
import argparse
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import time

import chaos_cases
import slurm_cases
from lab import Failed, Lab

CASES = {
    "slurm": slurm_cases.node_dies, "warned": slurm_cases.warned, "cancel": slurm_cases.cancel,
    "controller": slurm_cases.controller, "zombies": chaos_cases.zombies, "kills": chaos_cases.kills,
    "bundle": chaos_cases.bundle,
}
NEEDS = {
    "slurm": ["/usr/sbin/slurmctld", "/usr/sbin/munged"], "database": ["/usr/lib/postgresql"],
    "hosts": ["/sbin/ip", "/sbin/tc"], "bare": ["/usr/sbin/debootstrap"],
}


class Cluster:
    """What the cases need, brought up when the first one asks for it."""

    def __init__(self, folder, options):
        self.folder, self.options, self.parts = folder, options, {}
        self.makers = {
            "lab": lambda: Lab(f"{folder}/lab"), "slurm": lambda: slurm_cases.Slurm(f"{folder}/slurm"),
            "hosts": lambda: chaos_cases.Hosts(["c1", "c2", "w1", "w2", "w3"]),
            "database": lambda: chaos_cases.Postgres(f"{folder}/postgres"),
            "bare": lambda: f"{folder}/bare", "seconds": lambda: options.seconds, "seed": lambda: options.seed,
        }

    def run(self, case):
        names = list(inspect.signature(CASES[case]).parameters)
        # The database listens on the bridge that hosts are joined by.
        for name in (["hosts"] if "database" in names else []) + names:
            if name not in self.parts:
                if paths := [path for path in NEEDS.get(name, []) if not os.path.exists(path)]:
                    raise Failed(f"not installed: {', '.join(paths)}")
                self.parts[name] = self.makers[name]()
        return CASES[case](*(self.parts[name] for name in names))

    def close(self):
        for part in reversed(self.parts.values()):
            if hasattr(part, "close"):
                part.close()


def main():
    parser = argparse.ArgumentParser(prog="scripts/cluster-test", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--seconds", type=int, default=600, help="how long `kills` goes on (600)")
    parser.add_argument("--seed", type=int, default=1, help="what the disturbances of `kills` are drawn from (1)")
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f"no case {sorted(unknown)[0]}: want {', '.join(CASES)}")
    if os.geteuid() != 0:
        parser.error("needs root: nodes are namespaces")
    cases = options.cases or list(CASES)
    folder = tempfile.mkdtemp(prefix="cluster-", dir="/tmp")
    os.chmod(folder, 0o755)  # the database runs as another user
    cluster, failed = Cluster(folder, options), []
    try:
        for case in cases:
            start = time.monotonic()
            what = CASES[case].__doc__.splitlines()[0]
            try:
                note = cluster.run(case)
                print(f"ok      {case}: {what} ({f'{note}; ' if note else ''}{time.monotonic() - start:.0f} s)", flush=True)
            except (Failed, subprocess.SubprocessError) as error:
                failed.append(case)
                print(f"FAILED  {case}: {what} {error}", flush=True)
    finally:
        cluster.close()
        if failed:
            print(f"what is left is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(cases) - len(failed)} of {len(cases)} cases ended as they must")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
