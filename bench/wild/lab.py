"""What the benches of a faltering web share: a network of its own, a world in it, a build, what became of its rows."""
import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("BIN", f"{ROOT}/.build/release")
PIPELINE = f"{BIN}/pipeline"
RESOLVER = "10.99.0.53"
INSIDE = "PIPELINE_LAB_INSIDE"


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def enter_network(cache):
    """Runs this script again in namespaces of its own: network, mounts, processes. They end with it, whatever ends it.

    In there are loopback, and a device `net0` with the addresses 10.99.0.1, 10.99.0.2 and that of the resolver.
    """
    os.makedirs(cache, exist_ok=True)
    if os.environ.get(INSIDE) != "1":
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            command += ["--user", "--map-root-user"]
        process = subprocess.Popen(
            command + [sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}, preexec_fn=die_with_parent)

        stopped_by = []

        def stop(number, _):
            stopped_by.append(number)
            process.kill()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        status = process.wait()
        sys.exit(128 + stopped_by[0] if stopped_by else status)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process outside answers to it
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open(f"{cache}/resolv.conf", "w") as file:
        file.write(f"nameserver {RESOLVER}\n")
    subprocess.run(["mount", "--bind", f"{cache}/resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True)
    ip("link", "set", "lo", "up")
    ip("link", "add", "net0", "type", "veth", "peer", "name", "net0peer")
    ip("link", "set", "net0", "up")
    network("up")


def network(state):
    """Gives the device `net0` its addresses or takes them away; programs on this machine still reach each other by loopback."""
    for address in (RESOLVER, "10.99.0.1", "10.99.0.2"):
        ip("addr", "add" if state == "up" else "del", f"{address}/32", "dev", "net0")


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def images(cache, count=300):
    """Files of pictures of the web's kind, made once."""
    corpus = f"{cache}/corpus-{count}"
    if not os.path.exists(f"{corpus}/MANIFEST.sha256"):
        print(f"making {count} pictures", file=sys.stderr)
        subprocess.run([sys.executable, f"{ROOT}/bench/image-path/make_corpus.py", "--out", corpus, "--n", str(count),
                        "--repeat", "1"], check=True, stdout=subprocess.DEVNULL)
    good = []
    with open(f"{corpus}/corpus.csv") as file:
        header = file.readline().split(",")
        for line in file:
            row = dict(zip(header, line.rstrip("\n").split(",")))
            if row["kind"] == "jpeg" and row["expect"] == "ok":
                good.append(f"{corpus}/www/{row['path']}")
    return good


class World:
    """The servers of `hosts`, for as long as a `with` lasts; afterwards `record` says what they saw."""

    def __init__(self, cache, hosts, pictures, drop=0.0, seed=1):
        self.path, self.record_path, self.record = f"{cache}/world.json", f"{cache}/record.json", None
        with open(self.path, "w") as file:
            json.dump({"images": pictures, "seed": seed, "hosts": hosts,
                       "resolver": {"address": RESOLVER, "drop": drop}}, file)

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, f"{HERE}/world.py", self.path, self.record_path],
                                        stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        if self.process.stdout.readline() != b"ready\n":
            sys.exit("error: the world did not come up")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        with contextlib.suppress(OSError), open(self.record_path) as file:
            self.record = json.load(file)


def write_list(path, urls):
    with open(path, "w") as file:
        file.write("url,caption\n")
        file.writelines(f"{url},a picture of row {row}\n" for row, url in enumerate(urls))


def write_manifest(folder, fetch="", samples=1000, size=384):
    """A manifest beside `urls.csv` of `folder`; `fetch` is what stands in that section besides."""
    path = f"{folder}/manifest.yaml"
    with open(path, "w") as file:
        file.write(f"""version: 1
name: wild
image: {{size: {size}, resize: shortest_side, quality: 95}}
fetch: {{allow_private_addresses: true{', ' + fetch if fetch else ''}}}
shard: {{samples: {samples}}}
sources:
  - {{name: wild, format: csv, path: urls.csv, captions: original}}
""")
    return path


def build(manifest, output, log, workers=1, flags=(), measure=None, limit=None):
    """Runs a build to its end; its exit code and its seconds. `limit` seconds later it is killed: exit code -9."""
    command = [PIPELINE, "build", "--manifest", manifest, "--output", output, "--workers", str(workers), *flags]
    if measure:
        command = [sys.executable, f"{ROOT}/bench/measure.py", "--json", measure, "--", *command]
    start = time.monotonic()
    with open(log, "a") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, preexec_fn=die_with_parent)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode, time.monotonic() - start


def tables(output):
    """The rows of all tables by their number: status, message and digest of the bytes."""
    import glob
    import pyarrow.parquet as parquet

    rows = {}
    for path in sorted(glob.glob(f"{output}/shards/*.parquet")):
        columns = parquet.read_table(path, columns=["key", "status", "error_message", "sha256"]).to_pydict()
        for key, status, message, digest in zip(*columns.values()):
            rows[int(key.rsplit("-", 1)[1])] = (status, message, digest)
    return rows


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder
