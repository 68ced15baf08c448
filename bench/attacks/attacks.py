#!/usr/bin/env python3
"""What a user or a machine may do to a build: attacks.py CACHE [NAME...]

Each attack says whether it was borne: damage is noticed and repaired, what is not ours is left alone, bad input is refused in one
line, trouble with the disk or the terminal never costs a row.
"""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "wild"), os.path.dirname(HERE)]
import lab

ROWS = 60
HOST = {"name": "one.test", "address": "127.4.0.1"}
ATTACKS = {}
OWN_WORLD = {"list-overwritten-in-place", "interrupted-and-told", "no-row-twice", "scratch-bits", "scratch-cut", "scratch-zeroes",
             "scratch-swapped", "scratch-gone", "list-edited-before-resuming", "two-workers-one-bound", "bounded-rate",
             "retry-after-two-hours"}


def attack(function):
    ATTACKS[function.__name__.replace("_", "-")] = function
    return function


class Bad(Exception):
    """The attack was not borne."""


def want(condition, text):
    if not condition:
        raise Bad(text)


class Ground:
    """A folder with a small list, its manifest, and commands to run there."""

    def __init__(self, folder, pictures):
        self.folder, self.pictures = lab.fresh(folder), pictures
        self.output = f"{folder}/out"
        self.write_list(range(ROWS))
        self.manifest()

    def write_list(self, rows, name="urls.csv"):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write("url,caption\n")
            file.writelines(f"http://one.test/{row}-{row % len(self.pictures)}.jpg,row {row}\n" for row in rows)

    def manifest(self, fetch="allow_private_addresses: true", image="size: 96", source="", more=""):
        with open(f"{self.folder}/manifest.yaml", "w") as file:
            file.write(f"""version: 1
name: attacked
image: {{{image}}}
fetch: {{{fetch}}}
shard: {{samples: 16}}
{more}sources:
  - {{name: web, format: csv, path: urls.csv, captions: original{source}}}
""")

    def run(self, *arguments, limit=60, **settings):
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
        process = subprocess.Popen([lab.PIPELINE, *arguments], text=True, cwd=self.folder,
                                   preexec_fn=lab.die_with_parent, **settings)
        try:
            process.output, process.errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Bad(f"`{' '.join(arguments[:1])}` hangs for {limit} s") from None
        process.code = process.returncode
        return process

    def build(self, *flags, **settings):
        return self.run("build", "--manifest", "manifest.yaml", "--output", self.output, *flags, **settings)

    def built(self):
        process = self.build()
        want(process.code == 0, f"the first build ends with exit {process.code}: {last(process)}")
        return self.digests()

    def verify(self):
        return self.run("verify", self.output)

    def digests(self, folder=None):
        found = {}
        for path, _, names in os.walk(folder or f"{self.output}/shards"):
            for name in names:
                with open(f"{path}/{name}", "rb") as file:
                    found[f"{path}/{name}"] = hashlib.sha256(file.read()).hexdigest()
        return found

    def statuses(self):
        return [row[0] for row in lab.tables(self.output).values()]


def last(process):
    lines = [line for line in (process.errors or process.output or "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "(no message)"


# --- Damage
def repaired(ground, damage):
    before = ground.built()
    damage(sorted(before))
    process = ground.build()
    want(ground.digests() == before, f"exit {process.code}, not repaired: {last(process)}")
    want(process.code == 0, f"repaired, but exit {process.code}: {last(process)}")
    want(ground.verify().code == 0, f"verify: {last(ground.verify())}")
    return "made again, with the same bytes"


@attack
def all_shards_deleted(ground):
    return repaired(ground, lambda paths: [os.remove(path) for path in paths])


@attack
def one_table_deleted(ground):
    return repaired(ground, lambda paths: os.remove(next(p for p in paths if p.endswith("000001.parquet"))))


@attack
def one_shard_cut(ground):
    def cut(paths):
        path = next(p for p in paths if p.endswith("000002.tar.zst"))
        os.truncate(path, os.path.getsize(path) // 2)
    return repaired(ground, cut)


@attack
def one_table_cut(ground):
    def cut(paths):
        path = next(p for p in paths if p.endswith("000000.parquet"))
        os.truncate(path, os.path.getsize(path) - 1)
    return repaired(ground, cut)


@attack
def shards_folder_deleted(ground):
    return repaired(ground, lambda paths: shutil.rmtree(f"{ground.output}/shards"))


@attack
def dataset_json_deleted(ground):
    before = ground.built()
    os.remove(f"{ground.output}/dataset.json")
    process = ground.build()
    want(ground.digests() == before and os.path.exists(f"{ground.output}/dataset.json"),
         f"exit {process.code}: {last(process)}")
    want(ground.verify().code == 0, f"verify: {last(ground.verify())}")
    return "made again"


def flipped(ground, suffix, count=90):
    paths = sorted(path for path in ground.built() if path.endswith(suffix))
    chance, missed, crashed = random.Random(5), 0, 0
    for _ in range(count):
        path = chance.choice(paths)
        with open(path, "r+b") as file:
            place = chance.randrange(os.path.getsize(path))
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1 << chance.randrange(8)]))
        code = ground.verify().code
        missed += code == 0
        crashed += code not in (0, 1)
        with open(path, "r+b") as file:
            file.seek(place)
            file.write(bytes([byte]))
    want(not missed and not crashed, f"verify finds {count - missed} of {count}; {crashed} times it ends otherwise")
    return f"verify finds {count} of {count}"


@attack
def bits_of_tables(ground):
    return flipped(ground, ".parquet")


@attack
def bits_of_shards(ground):
    return flipped(ground, ".tar.zst")


# --- What is not ours
@attack
def folder_of_a_user(ground):
    os.makedirs(f"{ground.output}/shards")
    for name in ("README.md", "shards/mine-000000.tar.zst", "notes.txt"):
        with open(f"{ground.output}/{name}", "w") as file:
            file.write("mine")
    process = ground.build()
    changed = [n for n in ("README.md", "shards/mine-000000.tar.zst", "notes.txt")
               if not os.path.exists(f"{ground.output}/{n}") or open(f"{ground.output}/{n}").read() != "mine"]
    want(not changed, f"exit {process.code}; lost: {', '.join(changed)}")
    want(process.code == 65, f"exit {process.code}: {last(process)}")
    return last(process)


@attack
def strangers_shard_beside_ours(ground):
    ground.built()
    strangers = [f"{ground.output}/shards/{name}" for name in ("web-000099.tar.zst", "other-000000.tar.zst", "web-000099.parquet")]
    for path in strangers:
        with open(path, "w") as file:
            file.write("mine")
    process = ground.build()
    gone = [path for path in strangers if not os.path.exists(path)]
    want(not gone, f"exit {process.code}; deleted: {', '.join(map(os.path.basename, gone))}")
    return f"left alone, exit {process.code}: {last(process)}"


@attack
def output_is_a_file(ground):
    with open(ground.output, "w") as file:
        file.write("mine")
    process = ground.build()
    want(process.code == 65 and open(ground.output).read() == "mine", f"exit {process.code}: {last(process)}")
    return last(process)


@attack
def home(ground):
    process = ground.run("build", "--manifest", "manifest.yaml", "--output", "~/set",
                         env={**os.environ, "HOME": ground.folder})
    want(os.path.exists(f"{ground.folder}/set/dataset.json") and not os.path.exists(f"{ground.folder}/~"),
         f"exit {process.code}; ~ is a folder of that name")
    return "~ is the home folder"


# --- Settings
@attack
def retries_changed(ground):
    before = ground.built()
    ground.manifest(fetch="allow_private_addresses: true, retries: 5, timeout: 7")
    process = ground.build()
    want(process.code == 0 and ground.digests() == before, f"exit {process.code}: {last(process)}")
    return "goes on"


@attack
def size_changed(ground):
    before = ground.built()
    ground.manifest(image="size: 97")
    process = ground.build()
    want(process.code == 65 and ground.digests() == before, f"exit {process.code}: {last(process)}")
    want("image.size" in process.errors and "97" in process.errors, f"not in the manifest's words: {last(process)}")
    return last(process)


@attack
def nonsense_manifests(ground):
    """Lines deleted, doubled, cut, characters changed: exit 65 with one line, or a plan."""
    with open(f"{ground.folder}/manifest.yaml") as file:
        text = file.read()
    chance, strange = random.Random(3), []
    for number in range(150):
        lines = text.splitlines()
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(lines))
            what = chance.choice(["delete", "double", "cut", "letter", "value"])
            if what == "delete" and len(lines) > 1:
                del lines[place]
                continue
            if what == "double":
                lines.insert(place, lines[place])
            elif what == "cut":
                lines[place] = lines[place][:chance.randrange(len(lines[place]) + 1)]
            elif what == "letter" and lines[place]:
                at = chance.randrange(len(lines[place]))
                lines[place] = lines[place][:at] + chance.choice("\t\0{}[]:&*!|>'\"%@`é😀-0\x7f") + lines[place][at + 1:]
            else:
                value = chance.choice(
                    ["-1", "1e400", "0x10", "null", "~", "[]", "{}", ".nan", "99999999999999999999", "true", "''", "!!binary aGk=",
                     "&a [*a]", "\"\\u0000\"", "2026-01-01"])
                lines[place] = re.sub(r": [^,}\n]*", lambda _: ": " + value, lines[place], count=1)
        with open(f"{ground.folder}/nonsense.yaml", "w") as file:
            file.write("\n".join(lines) + "\n")
        process = ground.run("plan", "--manifest", "nonsense.yaml")
        errors = [line for line in process.errors.splitlines() if line.startswith("error:")]
        if process.code not in (0, 65) or process.code == 65 and len(errors) != 1:
            strange.append((number, process.code, last(process), "\n".join(lines)))
    for number, _, _, lines in strange[:3]:
        with open(f"{ground.folder}/strange-{number}.yaml", "w") as file:
            file.write(lines + "\n")
    want(not strange, f"{len(strange)} of 150; exit {strange[0][1] if strange else 0}: {strange[0][2] if strange else ''}")
    return "150 of 150 are planned or refused in one line"


@attack
def private_addresses(ground):
    ground.manifest(fetch="timeout: 10")
    start = time.monotonic()
    process = ground.build()
    seconds = time.monotonic() - start
    want(process.code != 0, f"exit {process.code} after {seconds:.0f} s: {last(process)}")
    want("allow_private_addresses" in process.errors + process.output, f"exit {process.code}, key not named: {last(process)}")
    return f"exit {process.code} after {seconds:.1f} s: {last(process)}"


@attack
def no_image_root(ground):
    ground.manifest(source=", image_root: /nowhere/at/all")
    process = ground.build()
    want(process.code == 65 and "image_root" in process.errors, f"exit {process.code}: {last(process)}")
    return last(process)


@attack
def nothing_kept(ground):
    with open(f"{ground.folder}/urls.csv", "w") as file:
        file.write("url,caption\n" + "".join(f"http://one.test/x{row},row\n" for row in range(20)))
    process = ground.build()
    want(process.code == 1, f"exit {process.code}: {last(process)}")
    return last(process)


# --- The terminal
def endings(ground, arguments, allowed, **settings):
    process = ground.run(*arguments, **settings)
    want(process.code in allowed, f"`pipeline {arguments[0]}`: exit {process.code}")
    return process.code


@attack
def closed_and_full_terminals(ground):
    build = ["build", "--manifest", "manifest.yaml", "--output", ground.output]
    before, said = None, []
    for executable in ("pipeline", "pipeline-worker", "blip2"):
        for redirect in ("2>&-", "2>/dev/full", "2>&1 | head -1"):
            command = f"{lab.BIN}/{executable} nonsense {redirect} >/dev/null; exit ${{PIPESTATUS[0]}}"
            code = subprocess.run(["bash", "-c", command], cwd=ground.folder).returncode
            if code >= 128 or code < 0:
                said.append(f"{executable} {redirect}: exit {code}")
    for redirect in ("2>&-", "2>/dev/full", "2>&1 | head -1", "2>&- | head -1"):
        shutil.rmtree(ground.output, ignore_errors=True)
        command = f"{lab.PIPELINE} {' '.join(build)} {redirect} >/dev/null; exit ${{PIPESTATUS[0]}}"
        code = subprocess.run(["bash", "-c", command], cwd=ground.folder).returncode
        found = ground.digests()
        before = before or found
        # Where the results go to the closed pipe too, they are lost, and that is said.
        if code not in ((0, 1) if "| head" in redirect else (0,)) or found != before or len(found) < 8:
            said.append(f"build {redirect}: exit {code}, {len(found)} files")
    want(not said, "; ".join(said))
    return "a log that cannot be written ends nothing"


@attack
def results_to_a_full_disk(ground):
    ground.built()
    said = []
    for arguments in (["plan", "--manifest", "manifest.yaml"], ["status", "--output", ground.output], ["--version"], ["--help"],
                      ["status", "--output", ground.output, "--json"], ["inspect", f"{ground.output}/shards/web-000000.tar.zst"],
                      ["verify", ground.output]):
        for target in ("/dev/full", None):
            redirect = ">/dev/full" if target else ">&-"
            done = subprocess.run(["bash", "-c", f"exec {lab.PIPELINE} {' '.join(arguments)} {redirect}"],
                                  cwd=ground.folder, capture_output=True, text=True)
            if done.returncode == 0 or done.returncode >= 128 or done.returncode < 0:
                said.append(f"{arguments[0]} {redirect}: exit {done.returncode}")
    want(not said, "; ".join(said))
    return "each ends with an error"


@attack
def json_logs(ground):
    process = ground.build("--log-format", "json", "--log-level", "debug")
    wrong = []
    for line in process.errors.splitlines():
        try:
            json.loads(line)
        except ValueError:
            wrong.append(line)
    want(not wrong, f"{len(wrong)} lines are no JSON: {wrong[0][:150] if wrong else ''}")
    bad = ground.run("build", "--manifest", "nowhere.yaml", "--output", ground.output, "--log-format", "json")
    wrong = [line for line in bad.errors.splitlines() if not line.startswith("{")]
    want(not wrong, f"an error is no JSON: {wrong[0][:150] if wrong else ''}")
    return "every line is JSON"


# --- Files that are none
@attack
def links_and_pipes_in_image_root(ground):
    root = f"{ground.folder}/images"
    os.makedirs(f"{root}/in")
    shutil.copy(ground.pictures[0], f"{root}/good.jpg")
    shutil.copy(ground.pictures[1], f"{ground.folder}/secret.jpg")
    os.makedirs(f"{ground.folder}/elsewhere")
    shutil.copy(ground.pictures[1], f"{ground.folder}/elsewhere/secret.jpg")
    os.symlink("../secret.jpg", f"{root}/link.jpg")
    os.symlink(f"{ground.folder}/secret.jpg", f"{root}/absolute.jpg")
    os.symlink("../elsewhere", f"{root}/folder")
    os.mkfifo(f"{root}/pipe.jpg")
    socket.socket(socket.AF_UNIX).bind(os.path.relpath(f"{root}/socket.jpg"))
    names = ["good.jpg", "link.jpg", "absolute.jpg", "folder/secret.jpg", "pipe.jpg", "socket.jpg", "in", "../secret.jpg",
             "in/../../secret.jpg", f"{ground.folder}/secret.jpg", "/dev/zero", "in/../good.jpg", ""]
    with open(f"{ground.folder}/urls.csv", "w") as file:
        file.write("url,caption\n" + "".join(f"{name},row\n" for name in names))
    ground.manifest(source=", image_root: images")
    process = ground.build(limit=30)
    statuses = dict(zip(names, ground.statuses()))
    read = [name for name in names if statuses.get(name) == "success" and "good" not in name]
    want(not read, f"read from outside: {', '.join(read)}")
    want(statuses.get("good.jpg") == "success", f"exit {process.code}: {last(process)}")
    return "only the regular file within was read"


@attack
def list_overwritten_in_place(ground):
    """While a build of slow rows runs, other rows of the same length are written over its list."""
    hosts = [{**HOST, "delay": [1, 1]}]
    ground.manifest(fetch="allow_private_addresses: true, per_host: {connections: 4}"
                    if knows(ground, "per_host: {connections: 4}") else "allow_private_addresses: true")
    with lab.World(ground.folder, hosts, ground.pictures):
        thread = threading.Timer(1.5, lambda: overwrite(f"{ground.folder}/urls.csv"))
        thread.start()
        process = ground.build("--connections", "4")
        thread.join()
        captions = {row for row in captions_of(ground.output)}
    mixed = {text[:3] for text in captions}
    want(not (mixed == {"row", "ROW"} and process.code == 0), f"rows of both lists, exit {process.code}")
    want(process.code != 0 or mixed == {"row"}, f"exit {process.code}, rows of {mixed}")
    return f"exit {process.code}: {last(process)}"


def overwrite(path):
    with open(path, "r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace(",row ", ",ROW "))


def captions_of(output):
    import glob
    import pyarrow.parquet as parquet
    for path in glob.glob(f"{output}/shards/*.parquet"):
        yield from parquet.read_table(path, columns=["web_caption"]).to_pydict()["web_caption"]


def knows(ground, fetch):
    """Whether the executables know a key of `fetch`."""
    ground.manifest(fetch=f"allow_private_addresses: true, {fetch}")
    return ground.run("plan", "--manifest", "manifest.yaml").code == 0


# --- The disk
@attack
def disk_full(ground):
    """A disk that is too small; then it grows, and the same command goes on."""
    os.makedirs(ground.output)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "disk", ground.output], check=True)
    try:
        more = ", outage: 5" if knows(ground, "outage: 5") else ""
        ground.manifest(fetch="allow_private_addresses: true" + more, image="size: 384")
        process = ground.build(limit=180)
        first = f"exit {process.code}: {last(process)}"
        failed = [status for status in ground.statuses() if status != "success"]
        want(process.code not in (0, 70) and process.code > 0, first)
        want(not failed, f"{len(failed)} rows failed for it; {first}")
        subprocess.run(["mount", "-o", "remount,size=64m", ground.output], check=True)
        process = ground.build(limit=120)
        want(process.code == 0 and ground.statuses() == ["success"] * ROWS, f"then exit {process.code}: {last(process)}")
        want(ground.verify().code == 0, f"verify: {last(ground.verify())}")
    finally:
        subprocess.run(["umount", "-l", ground.output])
    return first


@attack
def read_only_output(ground):
    ground.built()
    subprocess.run(["mount", "--bind", ground.output, ground.output], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", ground.output], check=True)
    try:
        said = []
        for arguments in (["status", "--output", ground.output], ["verify", ground.output]):
            process = ground.run(*arguments)
            if process.code != 0:
                said.append(f"{arguments[0]}: exit {process.code}: {last(process)}")
        want(not said, "; ".join(said))
    finally:
        subprocess.run(["umount", "-l", ground.output])
    return "status and verify need no right to write"


# --- Work that was begun
def scratch(ground):
    """The files that unfinished work has written."""
    return [f"{folder}/{name}" for folder, _, names in os.walk(f"{ground.output}/.state/scratch") for name in names]


def wait_for(condition, seconds=20):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)


def begun(ground, change=None):
    """A build that is killed in the middle of its units; `change` is done to its scratch; then it is resumed."""
    hosts = [{**HOST, "delay": [0.4, 0.6]}]
    with lab.World(ground.folder, [HOST], ground.pictures):
        undisturbed = {os.path.basename(path): digest for path, digest in ground.built().items()}
    shutil.rmtree(ground.output)
    with lab.World(ground.folder, hosts, ground.pictures) as world:
        process = subprocess.Popen(
            [lab.PIPELINE, "build", "--manifest", "manifest.yaml", "--output", ground.output, "--connections", "6"],
            cwd=ground.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=lab.die_with_parent)
        wait_for(lambda: sum(map(os.path.getsize, scratch(ground))) > 40_000)
        process.kill()
        process.wait()
        time.sleep(1)
        files = scratch(ground)
        want(files, "nothing was in scratch yet")
        if change:
            change(files)
        done = ground.build("--connections", "60")
    found = {os.path.basename(path): digest for path, digest in ground.digests().items()}
    want(done.code == 0, f"resumed: exit {done.code}: {last(done)}")
    want(found == undisturbed, f"{sum(found.get(n) != d for n, d in undisturbed.items())} files differ from the undisturbed build")
    want(ground.verify().code == 0, f"verify: {last(ground.verify())}")
    left = scratch(ground)
    want(not left, f"{len(left)} files left in scratch: {', '.join(left[:3])}")
    return files, world.record["hosts"][0]["requests"]


@attack
def no_row_twice(ground):
    _, requests = begun(ground)
    want(requests <= ROWS + 6, f"{requests} requests for {ROWS} rows of which at most 6 were under way")
    return f"{requests} requests for {ROWS} rows"


def damaged(ground, damage):
    chance = random.Random(9)
    files, _ = begun(ground, lambda files: [damage(path, chance) for path in files if os.path.getsize(path)])
    return f"the same bytes; {len(files)} files were damaged"


@attack
def scratch_bits(ground):
    def flip(path, chance):
        with open(path, "r+b") as file:
            for _ in range(8):
                place = chance.randrange(os.path.getsize(path))
                file.seek(place)
                byte = file.read(1)[0]
                file.seek(place)
                file.write(bytes([byte ^ 1 << chance.randrange(8)]))
    return damaged(ground, flip)


@attack
def scratch_cut(ground):
    return damaged(ground, lambda path, chance: os.truncate(path, chance.randrange(os.path.getsize(path))))


@attack
def scratch_zeroes(ground):
    """The end of each file became zeroes, as after a power cut."""
    def zero(path, chance):
        size = os.path.getsize(path)
        os.truncate(path, chance.randrange(size))
        os.truncate(path, size)
    return damaged(ground, zero)


@attack
def scratch_swapped(ground):
    def swap(files):
        big = sorted((path for path in files if os.path.getsize(path)), key=os.path.getsize)[-2:]
        if len(big) == 2:
            os.rename(big[0], big[0] + "x")
            os.rename(big[1], big[0])
            os.rename(big[0] + "x", big[1])
    begun(ground, swap)
    return "the same bytes"


@attack
def scratch_gone(ground):
    begun(ground, lambda files: shutil.rmtree(f"{ground.output}/.state/scratch"))
    return "the same bytes"


@attack
def long_list_edited_in_the_middle(ground):
    """A few letters in a list of megabytes, at the same length, before a build is resumed."""
    with open(f"{ground.folder}/urls.csv", "w") as file:
        file.write("url,caption\n")
        file.writelines(f"http://one.test/{row}-0.jpg,{row} {'long ' * 12000}\n" for row in range(ROWS))
    before = ground.built()
    path = f"{ground.folder}/urls.csv"
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"LONG LONG LONG")
    os.remove(sorted(name for name in before if name.endswith(".parquet"))[2])
    process = ground.build()
    want(process.code == 65, f"exit {process.code}: {last(process)}")
    return last(process)


@attack
def list_edited_before_resuming(ground):
    hosts = [{**HOST, "delay": [0.4, 0.6]}]
    with lab.World(ground.folder, hosts, ground.pictures):
        process = subprocess.Popen(
            [lab.PIPELINE, "build", "--manifest", "manifest.yaml", "--output", ground.output, "--connections", "6"],
            cwd=ground.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=lab.die_with_parent)
        wait_for(lambda: any(path.endswith(".spool") for path in scratch(ground)))  # it is planned by then
        process.kill()
        process.wait()
        time.sleep(1)
        overwrite(f"{ground.folder}/urls.csv")
        done = ground.build("--connections", "60")
        mixed = {text[:3] for text in captions_of(ground.output)}
    want(done.code == 65, f"exit {done.code}, rows of {sorted(mixed)}: {last(done)}")
    return last(done)


@attack
def state_deleted(ground):
    """Without its state an output is a folder with things in it: refused, and nothing in it is touched."""
    before = ground.built()
    shutil.rmtree(f"{ground.output}/.state")
    process = ground.build()
    want(ground.digests() == before, f"exit {process.code}, shards changed: {last(process)}")
    want(process.code in (0, 65), f"exit {process.code}: {last(process)}")
    return f"exit {process.code}: {last(process)}"


@attack
def state_garbled(ground):
    before = ground.built()
    for name in os.listdir(f"{ground.output}/.state"):
        if ".sqlite" in name:
            with open(f"{ground.output}/.state/{name}", "r+b") as file:
                file.write(random.Random(1).randbytes(4096))
    process = ground.build()
    want(process.code in (0, 1, 65, 69) and ground.digests() == before, f"exit {process.code}: {last(process)}")
    return f"exit {process.code}: {last(process)}"


@attack
def description_garbled(ground):
    before = ground.built()
    said = []
    for text in ("", "{", "[]", "{}", '{"shards": 5}', '{"shards": [{"name": "../../x"}]}', "\x00" * 100):
        with open(f"{ground.output}/dataset.json", "w") as file:
            file.write(text)
        for arguments in (["verify", ground.output], ["report", ground.output]):
            process = ground.run(*arguments)
            if process.code not in (1, 65):
                said.append(f"{arguments[0]} of {text[:20]!r}: exit {process.code}")
    process = ground.build()
    if process.code != 0 or ground.digests() != before or ground.verify().code != 0:
        said.append(f"build: exit {process.code}: {last(process)}")
    want(not said, "; ".join(said))
    return "said by verify and report, written again by build"


# --- Manners
@attack
def two_workers_one_bound(ground):
    want(knows(ground, "per_host: {connections: 4}"), "there is no fetch.per_host.connections")
    with lab.World(ground.folder, [{**HOST, "delay": [0.3, 0.3]}], ground.pictures) as world:
        process = ground.build("--workers", "2")
    host = world.record["hosts"][0]
    said = f"{host['most_at_once']} requests at once of 4, {host['most_connections']} connections open"
    want(process.code == 0 and host["most_at_once"] <= 4, f"exit {process.code}, {said}")
    return said


@attack
def bounded_rate(ground):
    want(knows(ground, "per_host: {rate: 8}"), "there is no fetch.per_host.rate")
    with lab.World(ground.folder, [HOST], ground.pictures) as world:
        process = ground.build("--workers", "2")
    host = world.record["hosts"][0]
    want(process.code == 0 and host["most_a_second"] <= 9, f"exit {process.code}, {host['most_a_second']} requests a second of 8")
    return f"{host['most_a_second']} requests a second of 8"


@attack
def retry_after_two_hours(ground):
    want(knows(ground, "patience: 5"), "there is no fetch.patience")
    start = time.monotonic()
    with lab.World(ground.folder, [{**HOST, "status": 429, "retry_after": 7200}], ground.pictures):
        process = ground.build(limit=120)
    seconds = time.monotonic() - start
    messages = {row[1] for row in lab.tables(ground.output).values()}
    want(any("7200" in text or "2 h" in text or "retry" in text.lower() for text in messages),
         f"exit {process.code} after {seconds:.0f} s: {sorted(messages)[:2]}")
    want(seconds < 60, f"{seconds:.0f} s")
    return f"exit {process.code} after {seconds:.0f} s: {sorted(messages)[0]}"


# --- Lists that are none
@attack
def lists_that_are_none(ground):
    os.mkfifo(f"{ground.folder}/pipe.csv")
    os.makedirs(f"{ground.folder}/folder.csv")
    said = []
    for path in ("pipe.csv", "folder.csv", "nowhere.csv", "/dev/zero", "/dev/null", "/proc/self/mem", "manifest.yaml/x"):
        ground.manifest()
        with open(f"{ground.folder}/manifest.yaml") as file:
            text = file.read().replace("urls.csv", path)
        with open(f"{ground.folder}/manifest.yaml", "w") as file:
            file.write(text)
        try:
            process = ground.build(limit=20)
            if process.code not in (1, 65) or "error:" not in process.errors:
                said.append(f"{path}: exit {process.code}: {last(process)}")
        except Bad as problem:
            said.append(f"{path}: {problem}")
        shutil.rmtree(ground.output, ignore_errors=True)
    want(not said, "; ".join(said))
    return "refused"


# --- Two at once, and the end
@attack
def interrupted_and_told(ground):
    hosts = [{**HOST, "delay": [1, 1]}]
    with lab.World(ground.folder, hosts, ground.pictures):
        process = subprocess.Popen(
            [lab.PIPELINE, "build", "--manifest", "manifest.yaml", "--output", ground.output, "--connections", "4"],
            cwd=ground.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, preexec_fn=lab.die_with_parent)
        time.sleep(4)
        running = ground.run("status", "--output", ground.output)
        second = ground.build()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        stopped = ground.run("status", "--output", ground.output)
        done = ground.build("--connections", "60")
        finished = ground.run("status", "--output", ground.output)
    want(process.returncode == 130, f"Ctrl-C: exit {process.returncode}")
    want(second.code == 69, f"a second build beside it: exit {second.code}: {last(second)}")
    want(done.code == 0, f"resumed: exit {done.code}: {last(done)}")
    want("resume" in errors, f"does not say how to go on: {errors.strip().splitlines()[-1][:150]}")
    want("running" in running.output and "interrupted" in stopped.output and "finished" in finished.output,
         f"status does not tell running, interrupted, finished: {[p.output.splitlines()[:1] for p in (running, stopped, finished)]}")
    return errors.strip().splitlines()[-1][:150]


def main():
    cache, names = sys.argv[1], sys.argv[2:] or list(ATTACKS)
    unknown = [name for name in names if name not in ATTACKS]
    if unknown:
        sys.exit(f"error: no attack {', '.join(unknown)}; there are {', '.join(ATTACKS)}")
    lab.enter_network(cache)
    pictures = lab.images(os.path.dirname(cache) + "/wild")
    bad = 0
    for name in names:
        ground = Ground(f"{os.path.abspath(cache)}/{name}", pictures)
        try:
            if name in OWN_WORLD:
                said = ATTACKS[name](ground)
            else:
                with lab.World(ground.folder, [HOST], pictures):
                    said = ATTACKS[name](ground)
            print(f"borne  {name}: {said}", flush=True)
        except Bad as problem:
            bad += 1
            print(f"BAD    {name}: {problem}", flush=True)
        except Exception:
            bad += 1
            print(f"BAD    {name}: {traceback.format_exc().splitlines()[-1]}", flush=True)
    print(f"{len(names) - bad} of {len(names)} borne")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
