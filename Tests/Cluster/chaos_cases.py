"""Builds whose coordinators, workers, database, network and disks fail at random, and builds that zombies come back to."""
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from lab import BIN, COORDINATOR, PIPELINE, ROOT, WORKER, Failed, Process, check, run, shards, until

POSTGRES = f"{ROOT}/scripts/cluster/postgres"
NETWORK = "10.79.0"


class Postgres:
    """A server that can be killed as by a power cut."""

    def __init__(self, folder):
        self.folder = folder
        self.up(fresh=True)

    def up(self, fresh=False):
        text = run(POSTGRES, "up", "--root", self.folder, "--port", "15439", "--durable", "--listen", f"{NETWORK}.254",
                   "--net", f"{NETWORK}.0/24")
        self.url = next(line for line in text.splitlines() if line.startswith("postgresql://") and "@" in line)
        if fresh:
            self.databases = 0

    def crash(self):
        run(POSTGRES, "down", "--root", self.folder, "--crash")

    def close(self):
        subprocess.run([POSTGRES, "down", "--root", self.folder, "--crash", "--wipe"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Hosts:
    """Network namespaces on one bridge; this machine is .254."""

    def __init__(self, names):
        self.names = list(names)
        self.close()
        run("ip", "link", "add", "ct-bridge", "type", "bridge")
        run("ip", "addr", "add", f"{NETWORK}.254/24", "dev", "ct-bridge")
        run("ip", "link", "set", "ct-bridge", "up")
        for number, name in enumerate(self.names, 1):
            space = f"ct-{name}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", f"ct{number}", "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "set", f"ct{number}", "master", "ct-bridge", "up")
            run("ip", "-n", space, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                run("ip", "-n", space, "link", "set", device, "up")

    def address(self, name):
        return f"{NETWORK}.{self.names.index(name) + 1}"

    def prefix(self, name):
        return ["ip", "netns", "exec", f"ct-{name}"]

    def cut(self, name):
        run("ip", "link", "set", f"ct{self.names.index(name) + 1}", "down")

    def slow(self, name, kilobits):
        run("tc", "qdisc", "replace", "dev", f"ct{self.names.index(name) + 1}", "root", "tbf", "rate", f"{kilobits}kbit",
            "burst", "16kb", "latency", "400ms")

    def heal(self, name):
        device = f"ct{self.names.index(name) + 1}"
        run("ip", "link", "set", device, "up")
        subprocess.run(["tc", "qdisc", "del", "dev", device, "root"], check=False, stderr=subprocess.DEVNULL)

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", f"ct-{name}"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", "ct-bridge"], check=False, stderr=subprocess.DEVNULL)


class Disk:
    """A small file system of its own, which can be filled."""

    def __init__(self, path, megabytes):
        self.path = path
        os.makedirs(path, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path)

    def fill(self):
        try:
            with open(f"{self.path}/ballast", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))
        except OSError:
            pass

    def free(self):
        if os.path.exists(f"{self.path}/ballast"):
            os.remove(f"{self.path}/ballast")

    def close(self):
        self.free()
        run("umount", "--lazy", self.path)


class Fleet:
    """Coordinators and workers of one build, each on a host of its own; who ends early is started again."""

    def __init__(self, lab, output, manifest, hosts, store=None, coordinators=1, workers=3, scratch=None, patience=600):
        self.output, self.hosts, self.processes = output, hosts, {}
        os.makedirs(f"{output}-logs", exist_ok=True)
        address, token = f"{output}-logs/coordinator", f"{output}-logs/token"
        profile = f"{output}-logs/profile.yaml"
        with open(profile, "w") as file:
            file.write("device: cpu\nthreads: 1\n" + (f"scratch: {scratch}\n" if scratch else ""))
        for number in range(coordinators):
            name = f"c{number + 1}"
            host = hosts.address(name) if hosts else "127.0.0.1"
            self.add(name, COORDINATOR, "--manifest", manifest, "--output", output, "--listen", f"{host}:0",
                     "--address-file", address, "--token-file", token, *(["--store", store] if store else []))
        for number in range(workers):
            name = f"w{number + 1}"
            self.add(name, WORKER, "--coordinator-file", address, "--token-file", token, "--name", name, "--profile",
                     profile, "--patience", str(patience))

    def add(self, name, *command):
        log = f"{self.output}-logs/{name}.log"
        self.processes[name] = Process(log, *command, prefix=self.hosts.prefix(name) if self.hosts else ())

    def start(self, *names):
        for name in names or self.processes:
            self.processes[name].start()

    @property
    def is_done(self):
        return any(process.code == 0 for name, process in self.processes.items() if name.startswith("c"))

    def tend(self):
        """Starts again what has ended before the build has."""
        for name, process in self.processes.items():
            if process.process and not process.runs and not self.is_done:
                # Who starts on a full disk says so at once.
                is_full = "No space left" in process.tail(1)
                if process.code not in (0, 69, 75, -9) and not is_full:
                    raise Failed(f"{name} ended with {process.code}: {process.tail()}")
                process.start()

    def close(self):
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
            process.kill()


def kills(lab, hosts, database, seconds, seed):
    """Everything is killed, stopped, cut off and filled at random; each build must equal an undisturbed one."""
    chance = random.Random(seed)
    end, rounds, events = time.monotonic() + seconds, 0, 0
    while rounds == 0 or time.monotonic() < end:
        rounds += 1
        output = lab.output("chaos")
        disks = [Disk(output, 64), Disk(f"{output}-scratch", 64)]
        shutil.rmtree(f"{output}-logs", ignore_errors=True)
        manifest = lab.local_manifest
        fleet = Fleet(lab, output, manifest, hosts, database.url if database else None, 2 if database else 1, 3,
                      f"{output}-scratch")
        try:
            fleet.start()
            limit = time.monotonic() + 300
            healed = []  # (moment, what heals)
            while not fleet.is_done:
                check(time.monotonic() < limit + 300, f"the build hangs: {fleet.processes['c1'].tail()}")
                time.sleep(chance.uniform(0.2, 1.5))
                now = time.monotonic()
                due, healed = [entry for entry in healed if entry[0] <= now], [entry for entry in healed if entry[0] > now]
                for _, heal in due:
                    heal()
                fleet.tend()
                if time.monotonic() > limit or len(healed) > 2:
                    continue  # it must come to its end when it is left alone
                events += 1
                healed += disturb(chance, fleet, hosts, database, disks)
            for _, heal in healed:
                heal()
            lab.must_equal(output, lab.local_reference)
        finally:
            fleet.close()
            for disk in disks:
                disk.close()
    return f"{rounds} builds, {events} disturbances"


def disturb(chance, fleet, hosts, database, disks):
    """One disturbance; gives what ends it, and when."""
    later = time.monotonic() + chance.uniform(0.5, 6)
    names = [name for name, process in fleet.processes.items() if process.runs]
    name = chance.choice(names) if names else "w1"
    kind = chance.choice(["kill", "kill", "kill", "stop", "cut", "slow", "disk", "database"])
    if kind == "kill" and names:
        fleet.processes[name].kill()
    elif kind == "stop" and names:
        fleet.processes[name].signal(signal.SIGSTOP)
        return [(later, lambda: fleet.processes[name].signal(signal.SIGCONT))]
    elif kind == "cut":
        hosts.cut(name)
        return [(later, lambda: hosts.heal(name))]
    elif kind == "slow":
        hosts.slow(name, chance.choice([64, 512]))
        return [(later, lambda: hosts.heal(name))]
    elif kind == "disk":
        disk = chance.choice(disks)
        disk.fill()
        return [(later, disk.free)]
    elif kind == "database" and database:
        database.crash()
        return [(later, database.up)]
    return []


def zombie_worker(lab, store=None):
    """A worker that is stopped past its lease and goes on is refused, and changes nothing."""
    output = lab.output("zombie")
    fleet = Fleet(lab, output, lab.slow_manifest, None, store, workers=2)
    try:
        fleet.start("c1", "w1")
        zombie = fleet.processes["w1"]
        until(lambda: shards(output) >= 1, 120, "a shard of the first worker")
        zombie.signal(signal.SIGSTOP)
        held = shards(output)
        fleet.start("w2")
        # Its leases run out, and the other worker does its units.
        until(lambda: shards(output) >= held + 2, 300, "units of the stopped worker")
        before = published(output)
        zombie.signal(signal.SIGCONT)
        until(lambda: fleet.is_done, 400, f"the end: {fleet.processes['c1'].tail()}")
        after = published(output)
        check(all(after.get(name) == value for name, value in before.items()), "a published shard has changed")
        lab.must_equal(output, lab.slow_reference)
    finally:
        fleet.close()


def zombie_coordinator(lab, database):
    """A coordinator is stopped past its term; the standby takes over; the first one goes on and is refused."""
    output = lab.output("zombie")
    fleet = Fleet(lab, output, lab.slow_manifest, None, database.url, coordinators=2, workers=2)
    try:
        fleet.start("c1")
        until(lambda: os.path.exists(f"{output}-logs/coordinator"), 60, "the first coordinator's address")
        first = open(f"{output}-logs/coordinator").read()
        fleet.start("c2", "w1", "w2")
        until(lambda: shards(output) >= 2, 120, "two shards")
        fleet.processes["c1"].signal(signal.SIGSTOP)
        until(lambda: open(f"{output}-logs/coordinator").read() != first, 60, "the standby takes over")
        count = shards(output)
        until(lambda: shards(output) > count, 120, "shards under the second coordinator")
        fleet.processes["c1"].signal(signal.SIGCONT)
        until(lambda: not fleet.processes["c1"].runs, 60, "the first coordinator ends")
        check(fleet.processes["c1"].code != 0, "the first coordinator says that all is well")
        check(open(f"{output}-logs/coordinator").read() != first, "the first one has put its address back")
        until(lambda: fleet.is_done, 400, f"the end: {fleet.processes['c2'].tail()}")
        lab.must_equal(output, lab.slow_reference)
    finally:
        fleet.close()


def zombies(lab, database):
    """A stopped worker and a stopped coordinator come back late: refused, nothing changed."""
    zombie_worker(lab)
    if database:
        zombie_worker(lab, database.url)
        zombie_coordinator(lab, database)


def bundle(bare):
    """The bundle runs in a system that has nothing but Debian's base."""
    run(f"{ROOT}/scripts/bundle", "--from", BIN, "--check", f"{bare}.tar.zst", timeout=1800)


def published(output):
    """Which file stands for each shard: a shard that is replaced has another."""
    folder = f"{output}/shards"
    return {name: (os.stat(f"{folder}/{name}").st_ino, os.stat(f"{folder}/{name}").st_mtime_ns)
            for name in os.listdir(folder) if name.endswith(".tar.zst")}
