#!/usr/bin/env python3
"""Kills builds again and again: soak.py CACHE [SECONDS] [SEED] [--calm]

A data set of several sources over hosts that falter, captioned by the demonstration's models, is built in rounds. In a round two workers
build it while workers and the whole build are killed, stopped and frozen at moments drawn from the seed; then it is resumed until
it is finished. Every round must end verified and with the same bytes under shards/ as a build that nothing disturbed, with one worker and
hosts that do not falter. In every other round repeated images are left out. Prints memory, scratch and open files over time.
"""
import contextlib
import argparse
import csv
import glob
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "wild"), os.path.dirname(HERE)]
import chart
import lab

ROWS = {"web": 150, "several": 80, "packed": 40, "local": 40, "zipped": 30}
FINISH_LIMIT = 300  # seconds a resumed build may take before it counts as hanging
FETCH = ", patience: 20"
DEDUPLICATE = {False: "", True: "deduplicate: {urls: true, bytes: true, perceptual: 0}\n"}

# Hosts of the two lists of URLs; what falters does so for a while, or a few times a path, so that every row can be had.
HOSTS = {
    "good": {"delay": [0.01, 0.05]},
    "slow": {"delay": [0.5, 2]},
    "limited": {"limit": 3, "retry_after": 1, "delay": [0.05, 0.2]},
    "resetting": {"reset": 0.4, "resets_a_path": 2, "close": True},
    "backlog": {"backlog": 5, "accept_every": 0.05, "close": True},
    "late": {"lookup_fails": 1},
    "away": {"away": [1, 8]},
    "gone": {"no_name": True},
}


def hosts(falter):
    for number, (kind, settings) in enumerate(HOSTS.items()):
        keep = settings if falter or kind == "gone" else {}
        yield {"name": f"{kind}.soak.test", "address": f"127.3.0.{number + 1}", **keep}


class Inputs:
    """The lists and images of the sources, under a folder that all rounds share."""

    def __init__(self, folder):
        self.folder = lab.fresh(folder)
        subprocess.run([lab.PIPELINE, "demo", "--output", f"{folder}/demo", "--count", "120", "--seed", "11", "--clean",
                        "--no-serve"], check=True, stdout=subprocess.DEVNULL)
        self.pictures = sorted(glob.glob(f"{folder}/demo/images/*"))
        with open(f"{folder}/not-an-image.jpg", "w") as file:
            file.write("<html>gone</html>")
        self.pictures.append(f"{folder}/not-an-image.jpg")
        self.chance = random.Random(11)
        self.write_web()
        self.write_several()
        self.write_files()
        for deduplicate, text in DEDUPLICATE.items():
            self.write_manifest(deduplicate, text)

    def url(self, row):
        kind = self.chance.choice(list(HOSTS) if row % 7 else ["good"])
        return f"http://{kind}.soak.test/{row}-{self.chance.randrange(len(self.pictures) + 2)}.jpg"

    def write_web(self):
        with open(f"{self.folder}/web.csv", "w") as file:
            file.write("url,caption\n")
            file.writelines(f"{self.url(row)},a picture {row}\n" for row in range(ROWS["web"]))

    def write_several(self):
        with open(f"{self.folder}/several.jsonl", "w") as file:
            file.writelines(
                f'{{"url": "{self.url(1000 + row)}", "caption": ["one of {row}", "another of {row}"]}}\n'
                for row in range(ROWS["several"]))

    def write_files(self):
        """Images in a tar, in a folder, in a zip."""
        os.makedirs(f"{self.folder}/images")
        packed = tarfile.open(f"{self.folder}/packed.tar", "w")
        zipped = zipfile.ZipFile(f"{self.folder}/images.zip", "w")
        with packed, zipped:
            for row in range(ROWS["packed"]):
                text = f"{self.folder}/text"
                with open(text, "w") as file:
                    file.write(f"packed {row}")
                picture = self.pictures[row * 3 % 120]
                packed.add(picture, f"{row:06d}{os.path.splitext(picture)[1]}")
                packed.add(text, f"{row:06d}.txt")
            for row in range(ROWS["local"]):
                shutil.copy(self.pictures[row * 5 % 120], f"{self.folder}/images/{row}.jpg")
            for row in range(ROWS["zipped"]):
                zipped.write(self.pictures[row * 7 % 120], f"in/{row}.jpg")
        for name, prefix in [("local", ""), ("zipped", "in/")]:
            with open(f"{self.folder}/{name}.csv", "w") as file:
                file.write("url,caption\n")
                file.writelines(f"{prefix}{row}.jpg,{name} {row}\n" for row in range(ROWS[name]))

    def manifest(self, deduplicate):
        return f"{self.folder}/{'unlike' if deduplicate else 'all'}.yaml"

    def write_manifest(self, deduplicate, text):
        with open(self.manifest(deduplicate), "w") as file:
            file.write(f"""version: 1
name: soak
seed: 7
shard: {{samples: 16}}
image: {{size: 96}}
fetch: {{allow_private_addresses: true, timeout: 5{FETCH}}}
caption: {{model: {lab.ROOT}/models/demo-captioner, count: 4}}
rank: {{model: {lab.ROOT}/models/demo-ranker}}
{text}sources:
  - {{name: web, format: csv, path: web.csv}}
  - {{name: several, format: jsonl, path: several.jsonl, captions: original}}
  - {{name: packed, format: webdataset, path: packed.tar, captions: original}}
  - {{name: local, format: csv, path: local.csv, image_root: images}}
  - {{name: zipped, format: csv, path: zipped.csv, image_root: images.zip, captions: original}}
""")


def digests(output):
    """What is under shards/, by name."""
    return {os.path.relpath(path, output): hashlib.sha256(open(path, "rb").read()).hexdigest()
            for path in sorted(glob.glob(f"{output}/shards/**", recursive=True)) if os.path.isfile(path)}


def processes(name):
    """The living processes of an executable in this namespace."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                text = file.read()
        except OSError:
            continue
        if text[text.index("(") + 1:text.rindex(")")] == name[:15] and text[text.rindex(")") + 2] not in "ZX":
            found.append(int(pid))
    return found


class Monitor(threading.Thread):
    """Twice a second: memory of the largest worker and of the build, bytes of scratch, open files of all."""

    def __init__(self):
        super().__init__(daemon=True)
        self.samples, self.output, self.start_time, self.ended = [], None, time.monotonic(), threading.Event()

    def run(self):
        while not self.ended.wait(0.5):
            workers, builds = processes("pipeline-worker"), processes("pipeline")
            files = sum(self.files(pid) for pid in workers + builds)
            self.samples.append((
                round(time.monotonic() - self.start_time, 1), max(map(self.resident, workers), default=0),
                max(map(self.resident, builds), default=0), self.scratch(), files))

    @staticmethod
    def resident(pid):
        try:
            with open(f"/proc/{pid}/statm") as file:
                return int(file.read().split()[1]) * 4096 / 1e6
        except (OSError, IndexError):
            return 0

    @staticmethod
    def files(pid):
        try:
            return len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return 0

    def scratch(self):
        total = 0
        for folder, _, names in os.walk(f"{self.output}/.state/scratch"):
            for name in names:
                try:
                    total += os.lstat(f"{folder}/{name}").st_size
                except OSError:
                    pass
        return total / 1e6

    def write(self, path):
        with open(f"{path}.csv", "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["seconds", "worker_mb", "build_mb", "scratch_mb", "open_files"])
            out.writerows([f"{value:.1f}" for value in sample] for sample in self.samples)
        chart.draw(
            f"{path}.svg", ("MB", ["the largest worker", "the build"], [s[:3] for s in self.samples]),
            ("MB", ["scratch"], [(s[0], s[3]) for s in self.samples]),
            ("", ["open files"], [(s[0], s[4]) for s in self.samples]))


class Round:
    def __init__(self, number, folder, inputs, chance, deduplicate, falter):
        self.number, self.folder, self.inputs, self.chance = number, lab.fresh(folder), inputs, chance
        self.manifest, self.falter = inputs.manifest(deduplicate), falter
        self.output, self.log = f"{folder}/out", f"{folder}/log"
        self.events, self.faults = [], []

    def start(self, workers):
        log = open(self.log, "a")
        return subprocess.Popen(
            [lab.PIPELINE, "build", "--manifest", self.manifest, "--output", self.output, "--workers", str(workers)],
            stdout=log, stderr=log, preexec_fn=lab.die_with_parent)

    def run(self, reference):
        """Disturbs a build some times, lets it finish, and compares."""
        with lab.World(self.folder, list(hosts(self.falter)), self.inputs.pictures, drop=0.1 if self.falter else 0,
                       seed=self.chance.randrange(1 << 30)):
            build = self.start(2)
            for _ in range(self.chance.randint(3, 8)):
                if not self.sleep(build, self.chance.expovariate(1 / 3)):
                    break
                build = self.disturb(build)
            self.finish(build)
        self.check(reference)
        return not self.faults

    def sleep(self, build, seconds):
        try:
            build.wait(min(seconds, 12))
            return False
        except subprocess.TimeoutExpired:
            return True

    def disturb(self, build):
        event = self.chance.choice(["worker", "worker", "build", "build", "stop", "freeze"])
        workers = processes("pipeline-worker")
        if event in ("worker", "freeze") and not workers:
            event = "build"
        self.events.append(event)
        if event == "worker":
            os.kill(self.chance.choice(workers), signal.SIGKILL)
            return build
        if event == "freeze":
            victim = self.chance.choice(workers)
            os.kill(victim, signal.SIGSTOP)
            time.sleep(self.chance.uniform(1, 5))
            with contextlib.suppress(ProcessLookupError):  # the build may have ended without it
                os.kill(victim, signal.SIGCONT)
            return build
        build.send_signal(signal.SIGKILL if event == "build" else signal.SIGTERM)
        try:
            code = build.wait(60)
        except subprocess.TimeoutExpired:
            self.faults.append(f"does not stop within 60 s after {event}")
            build.kill()
            code = build.wait()
        # Before it has a handler for the signal, the system ends it, which shells call 143 too.
        if event == "stop" and code not in (0, 143, -signal.SIGTERM):
            self.faults.append(f"SIGTERM ended with exit {code}")
        for _ in range(100):
            if not processes("pipeline-worker"):
                break
            time.sleep(0.1)
        else:
            self.faults.append("a worker outlived its build by 10 s")
        return self.start(2)

    def finish(self, build):
        code = None
        for _ in range(4):
            try:
                code = build.wait(FINISH_LIMIT)
            except subprocess.TimeoutExpired:
                self.faults.append(f"not finished after {FINISH_LIMIT} s")
                build.kill()
                build.wait()
                return
            if code == 0:
                return
            if code not in (-signal.SIGKILL, 143):
                self.faults.append(f"a resumed build ended with exit {code}")
            build = self.start(2)
        self.faults.append(f"not finished after being resumed: exit {code}")

    def check(self, reference):
        verified = subprocess.run([lab.PIPELINE, "verify", self.output], capture_output=True, text=True)
        if verified.returncode != 0:
            self.faults.append(f"verify: exit {verified.returncode}: {(verified.stderr or verified.stdout).strip()[-200:]}")
        found = digests(self.output)
        different = sorted(name for name in reference.keys() | found.keys() if reference.get(name) != found.get(name))
        if different:
            self.faults.append(f"{len(different)} of {len(reference)} files differ from the undisturbed build: "
                               + ", ".join(different[:4]))
        left = [name for _, _, names in os.walk(f"{self.output}/.state/scratch") for name in names]
        if left:
            self.faults.append(f"{len(left)} files left in scratch: {left[0]}")


def reference(folder, inputs, deduplicate, monitor):
    """The build that nothing disturbs."""
    undisturbed = Round(0, folder, inputs, None, deduplicate, False)
    monitor.output = undisturbed.output
    with lab.World(folder, list(hosts(False)), inputs.pictures):
        start = time.monotonic()
        code = undisturbed.start(1).wait()
    if code != 0:
        sys.exit(f"error: the undisturbed build ended with exit {code}; see {undisturbed.log}")
    rows = lab.tables(undisturbed.output)
    found = digests(undisturbed.output)
    print(f"undisturbed, one worker: {time.monotonic() - start:.1f} s, {len(found)} files under shards/", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cache")
    parser.add_argument("seconds", type=float, nargs="?", default=600)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--calm", action="store_true", help="hosts do not falter")
    a = parser.parse_args()
    lab.enter_network(a.cache)
    inputs = Inputs(f"{a.cache}/inputs")
    monitor = Monitor()
    monitor.start()
    references = {deduplicate: reference(f"{a.cache}/reference-{int(deduplicate)}", inputs, deduplicate, monitor)
                  for deduplicate in (False, True)}
    chance, ends, bad, number = random.Random(a.seed), time.monotonic() + a.seconds, 0, 0
    while time.monotonic() < ends:
        number += 1
        deduplicate = number % 2 == 0
        this = Round(number, f"{a.cache}/round", inputs, chance, deduplicate, not a.calm)
        monitor.output = this.output
        start = time.monotonic()
        good = this.run(references[deduplicate])
        bad += not good
        print(f"round {number}: {time.monotonic() - start:5.1f} s, {'good' if good else 'BAD '}: {' '.join(this.events)}"
              f"{' (repeated images left out)' if deduplicate else ''}", flush=True)
        for fault in this.faults:
            print(f"    {fault}", flush=True)
        if not good:
            shutil.rmtree(f"{a.cache}/bad-{number}", ignore_errors=True)
            shutil.move(this.folder, f"{a.cache}/bad-{number}")
    monitor.ended.set()
    monitor.write(f"{a.cache}/soak")
    peak = [max(sample[index] for sample in monitor.samples) for index in range(1, 5)]
    print(f"seed {a.seed}: {number} rounds, {bad} bad; a worker at most {peak[0]:.0f} MB, the build {peak[1]:.0f} MB, "
          f"scratch {peak[2]:.1f} MB, {peak[3]} open files: {a.cache}/soak.csv, soak.svg")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
