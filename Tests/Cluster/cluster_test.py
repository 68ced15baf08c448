#!/usr/bin/env python3
"""Builds on real clusters of this machine, broken on purpose: scripts/cluster-test says how it is used."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import slurm_cases
from lab import Failed, Lab

SLURM_CASES = {
    "slurm": slurm_cases.node_dies, "warned": slurm_cases.warned, "cancel": slurm_cases.cancel,
    "controller": slurm_cases.controller,
}
NEEDS = {"slurm": ["/usr/sbin/slurmctld", "/usr/sbin/munged"]}


def missing(kind):
    return [path for path in NEEDS[kind] if not os.path.exists(path)]


def main():
    parser = argparse.ArgumentParser(prog="scripts/cluster-test", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(SLURM_CASES))
    options = parser.parse_args()
    unknown = set(options.cases) - set(SLURM_CASES)
    if unknown:
        parser.error(f"no case {sorted(unknown)[0]}: want {', '.join(SLURM_CASES)}")
    if os.geteuid() != 0:
        parser.error("needs root: nodes are namespaces")
    cases = options.cases or list(SLURM_CASES)
    folder = tempfile.mkdtemp(prefix="cluster-", dir="/tmp")
    lab, slurm, failed = None, None, []
    try:
        lab = Lab(f"{folder}/lab")
        for case in cases:
            start = time.monotonic()
            try:
                if paths := missing("slurm"):
                    raise Failed(f"not installed: {', '.join(paths)}")
                slurm = slurm or slurm_cases.Slurm(f"{folder}/slurm")
                SLURM_CASES[case](lab, slurm)
                print(f"ok      {case}: {(SLURM_CASES[case].__doc__ or '').splitlines()[0]} ({time.monotonic() - start:.0f} s)",
                      flush=True)
            except (Failed, subprocess.SubprocessError) as error:
                failed.append(case)
                print(f"FAILED  {case}: {error}", flush=True)
                if slurm:
                    subprocess.run(["timeout", "10", "scancel", "--user=root"], check=False)
    finally:
        if slurm:
            slurm.close()
        if lab:
            lab.close()
        shutil.rmtree(folder, ignore_errors=True) if not failed else print(f"what is left is in {folder}")
    print(f"{len(cases) - len(failed)} of {len(cases)} cases ended as they must")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
