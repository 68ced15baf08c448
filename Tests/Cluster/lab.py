"""What the cases share: inputs, processes, the one-machine build that all others must equal."""
import hashlib
import os
import shutil
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(ROOT, ".build/release")))
PIPELINE, COORDINATOR, WORKER = (f"{BIN}/{name}" for name in ("pipeline", "pipeline-coordinator", "pipeline-worker"))


class Failed(Exception):
    """A case that did not end as it must."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def run(*command, timeout=600, **more):
    """What `command` writes; fails unless it ends with 0."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, **more)
    check(done.returncode == 0, f"{' '.join(command[:6])} ended with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


def until(condition, seconds, text, pause=0.2):
    """Waits for `condition`; gives what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(pause)
    raise Failed(f"not within {seconds} s: {text}")


class Process:
    """A program in a group of its own, with a log; started again and again."""

    def __init__(self, log, *command, prefix=()):
        self.log, self.command, self.prefix, self.process = log, command, tuple(prefix), None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.prefix + self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self

    @property
    def code(self):
        return self.process.poll() if self.process else None

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.runs:
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def tail(self, count=15):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-count:])


class Lab:
    """A folder with demonstration data, their server, and what builds of them must become."""

    def __init__(self, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        address = f"{folder}/demo.address"
        with open(address, "wb") as out:
            self.server = subprocess.Popen(
                [PIPELINE, "demo", "--output", f"{folder}/demo", "--count", "240", "--listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True)
        until(lambda: os.path.getsize(address), 300, "the demonstration's server")
        self.manifest = self.write_manifest("demo", f"{folder}/demo/list.csv")
        self.reference = self.build_reference("reference", self.manifest)
        self._local = self._slow = None

    @property
    def local_manifest(self):
        """The same images from a folder: only coordinator and database are asked over the network."""
        if not self._local:
            images = sorted(os.listdir(f"{self.folder}/demo/images"))
            with open(f"{self.folder}/local.csv", "w") as file:
                file.write("url,caption\n")
                file.writelines(f"{name},a picture {row}\n" for row, name in enumerate(images * 2))
            self._local = self.write_manifest(
                "local", f"{self.folder}/local.csv", more=f", image_root: {self.folder}/demo/images", fetch=", outage: 600")
            self.local_reference = self.build_reference("local-reference", self._local)
        return self._local

    @property
    def slow_manifest(self):
        """Two rows a second: long enough for leases to run out."""
        if not self._slow:
            keep = ", captions: original"
            fast = self.write_manifest("slow", f"{self.folder}/demo/list.csv", more=keep)
            self.slow_reference = self.build_reference("slow-reference", fast)
            # How fast rows are fetched changes no byte.
            self._slow = self.write_manifest(
                "slow", f"{self.folder}/demo/list.csv", fetch=", per_host: {rate: 2}", more=keep)
        return self._slow

    def write_manifest(self, name, path, fetch="", more=""):
        file = f"{self.folder}/{name}.yaml"
        with open(file, "w") as manifest:
            manifest.write(
                f"version: 1\nname: {name}\nseed: 42\noutput: {self.folder}/{name}\nshard: {{samples: 16}}\n"
                f"fetch: {{timeout: 5, retries: 1, allow_private_addresses: true{fetch}}}\n"
                f"caption: {{model: {ROOT}/models/demo-captioner}}\nrank: {{model: {ROOT}/models/demo-ranker}}\n"
                f"sources:\n  - {{name: {name}, format: csv, path: {path}{more}}}\n")
        return file

    def build_reference(self, name, manifest):
        run(PIPELINE, "build", "--manifest", manifest, "--output", f"{self.folder}/{name}", "--workers", "1")
        return contents(f"{self.folder}/{name}")

    def output(self, name):
        path = f"{self.folder}/{name}"
        shutil.rmtree(path, ignore_errors=True)
        return path

    def must_equal(self, output, reference=None):
        """The same files under shards/, byte for byte, and nothing that verify finds."""
        run(PIPELINE, "verify", output)
        found, wanted = contents(output), reference or self.reference
        wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        check(not wrong, f"{len(wrong)} of {len(wanted)} files differ from a build on one machine: {wrong[:5]}")

    def close(self):
        self.server.kill()
        self.server.wait()


def contents(output):
    """The digest of every file under shards/."""
    folder = f"{output}/shards"
    return {name: hashlib.sha256(open(f"{folder}/{name}", "rb").read()).hexdigest() for name in os.listdir(folder)}


def shards(output):
    """How many shards are published."""
    try:
        return sum(name.endswith(".tar.zst") for name in os.listdir(f"{output}/shards"))
    except FileNotFoundError:
        return 0
