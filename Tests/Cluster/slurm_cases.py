"""Builds by --engine slurm on a real Slurm of two emulated nodes."""
import os
import shutil
import subprocess
import time

from lab import PIPELINE, ROOT, Process, check, run, shards, until

SLURM = f"{ROOT}/scripts/cluster/slurm"


class Slurm:
    """The cluster; every node can lose its power."""

    def __init__(self, folder):
        self.folder = folder
        run(SLURM, "up", folder, "2")
        os.environ["SLURM_CONF"] = f"{folder}/slurm.conf"

    def jobs(self):
        """(number, role, state, node) of each job and task that is alive."""
        listing = run("squeue", "--noheader", "--array", "--format=%i|%j|%T|%N")
        jobs = [line.split("|") for line in listing.splitlines()]
        return [(number, name.rsplit("-", 1)[1], state, node) for number, name, state, node in jobs]

    def node_of(self, role):
        return next((node for _, kind, state, node in self.jobs() if kind == role and state == "RUNNING"), None)

    def close(self):
        subprocess.run(["timeout", "10", "scancel", "--user=root"], check=False)
        run(SLURM, "down", self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def build(lab, output, workers=2, cpus=5, more=()):
    """The command that submits and follows a build; two workers do not fit on one node beside the coordinator."""
    return Process(
        f"{lab.folder}/slurm.log", PIPELINE, "build", "--manifest", lab.manifest, "--output", output, "--engine", "slurm",
        "--workers", str(workers), "--cpus", str(cpus), "--partition", "cpu", *more)


def ended(process, seconds=300):
    """Waits for the command; it must end with 0."""
    code = until(lambda: None if process.runs else [process.code], seconds, f"{process.command[1]}: {process.tail()}")[0]
    check(code == 0, f"ended with {code}: {process.tail()}")


def node_dies(lab, slurm, database):
    """With PostgreSQL, a node loses its power while its worker works: its units go to the other, the job is requeued."""
    output = lab.output("slurm")
    follower = build(lab, output, more=("--store", database.url)).start()
    until(lambda: shards(output) >= 3, 120, f"three shards: {follower.tail()}")
    coordinator = slurm.node_of("coordinator")
    victim = next(node for node in ("n1", "n2") if node != coordinator)
    check(any(role == "worker" and node == victim for _, role, _, node in slurm.jobs()), f"no worker on {victim}")
    run(SLURM, "cut", slurm.folder, victim)
    ended(follower)
    run(SLURM, "boot", slurm.folder, victim)
    lab.must_equal(output)
    check("pending" in follower.tail(100), "the worker's job was not requeued")


def warned(lab, slurm):
    """Slurm warns coordinator and workers in turn: they are requeued, and go on."""
    output = lab.output("slurm")
    follower = build(lab, output).start()
    for role, count in (("worker", 2), ("coordinator", 5)):
        until(lambda: shards(output) >= count, 120, f"{count} shards: {follower.tail()}")
        number = next((number for number, kind, state, _ in slurm.jobs() if kind == role and state == "RUNNING"), None)
        check(number, f"no {role} runs")
        run("scancel", "--batch", "--signal=USR1", number)
        until(lambda: any(n == number and s != "RUNNING" for n, _, s, _ in slurm.jobs()), 60, f"{role} requeued")
    ended(follower)
    lab.must_equal(output)


def cancel(lab, slurm):
    """Cancelled and started again."""
    output = lab.output("slurm")
    follower = build(lab, output, more=("--detach",)).start()
    ended(follower)
    until(lambda: shards(output) >= 2, 120, "two shards")
    text = run(PIPELINE, "status", "--output", output)
    check("jobs: coordinator running on n" in text, f"status says {text}")
    run(PIPELINE, "cancel", "--output", output)
    check(not slurm.jobs(), "jobs are left")
    check(0 < shards(output) < 15, f"{shards(output)} shards when it was cancelled")
    check("interrupted" in run(PIPELINE, "status", "--output", output), "status does not say interrupted")
    follower = build(lab, output).start()
    ended(follower)
    lab.must_equal(output)


def controller(lab, slurm):
    """The controller dies just after jobs were submitted, when it may forget them, and comes back."""
    output = lab.output("slurm")
    follower = build(lab, output).start()
    until(lambda: "submitted" in follower.tail(), 30, "submitted")
    run(SLURM, "stop", slurm.folder)
    time.sleep(5)
    run(SLURM, "start", slurm.folder)
    ended(follower)
    lab.must_equal(output)
