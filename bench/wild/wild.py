#!/usr/bin/env python3
"""A list of URLs over hosts of which many falter: wild.py CACHE [ROWS] [--no-peer] [--only KIND,KIND] [--drop P] [--seed N]

Ten thousand rows over two thousand hosts unless told otherwise. Every host is one of `KINDS`; what can be had at all is known, and so
is the time that a perfect client would need. Prints the rows that could be had and were not, by kind, the time beside the
ideal one, how hosts were treated, and the same of img2dataset.
"""
import argparse
import collections
import glob
import hashlib
import json
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

CONNECTIONS = 128  # of a worker, by default
PER_HOST = 16      # to one host, by default
PATIENCE = 90      # seconds over which what may pass is tried again, which the manifest here says
FETCH = f"timeout: 10, patience: {PATIENCE}"
DROPPED = 0.1      # of the questions to the resolver
LIMIT = 1200       # seconds a run may take

# Kind -> share of the hosts, rows of a host (from, to), settings (world.py). The rest of the hosts are ordinary.
KINDS = {
    "slow": (0.08, (2, 8), {"delay": [3, 8]}),
    "limited": (0.05, (6, 16), {"limit": 4, "retry_after": 2, "delay": [0.1, 0.4]}),
    "backlog": (0.05, (4, 12), {"backlog": 5, "accept_every": 0.05, "close": True}),
    "resetting": (0.06, (2, 8), {"reset": 0.34, "close": True, "delay": [0.02, 0.1]}),
    "away": (0.04, (2, 8), {"away": [0, 60]}),
    "goes away": (0.02, (4, 12), {"away": [5, 65], "delay": [0.05, 0.2]}),
    "late name": (0.06, (2, 8), {"lookup_fails": 1}),
    "TCP name": (0.02, (2, 8), {"truncated": True}),
    "half dead": (0.02, (2, 8), {"first_address": "127.9.9.9"}),
    "no name": (0.03, (2, 8), {"no_name": True}),
    "refused": (0.015, (2, 8), {"refused": True}),
    "silent": (0.015, (2, 8), {"silent": True}),
}
ORDINARY = {"delay": [0.02, 0.08]}
DEAD = {"no name", "refused", "silent"}


class Plan:
    """The hosts, the list, and what a perfect client would make of it."""

    def __init__(self, rows, seed, only):
        chance = random.Random(seed)
        count = max(20, rows // 5)
        self.hosts, self.kinds, names = [], {}, []
        for kind in only:
            share, (low, high), settings = KINDS[kind]
            for _ in range(max(1, round(count * share))):
                names += [self.add(kind, settings)] * chance.randint(low, high)
        ordinary = [self.add("ordinary", ORDINARY) for _ in range(max(1, count - len(self.hosts)))]
        # Some hosts have many images, most have one or two.
        names += chance.choices(ordinary, [1 / (1 + place) ** 0.8 for place in range(len(ordinary))], k=rows)
        # Half of the hosts have their rows at one place of the list, as lists of one site after the other do.
        places = {host["name"]: chance.random() for host in self.hosts[::2]}
        spread = 40 / rows
        keyed = [(places[name] + spread * chance.random() if name in places else chance.random(), name) for name in names[:rows]]
        self.names = names = [name for _, name in sorted(keyed)]
        used = set(names)
        self.hosts = [host for host in self.hosts if host["name"] in used]
        self.good = [row for row, name in enumerate(names) if self.kinds[name] not in DEAD]

    def add(self, kind, settings):
        number = len(self.hosts)
        name = f"h{number}.wild.test"
        self.hosts.append({"name": name, "address": f"127.1.{number // 250}.{number % 250 + 1}", **settings})
        self.kinds[name] = kind
        return name

    def urls(self, pictures):
        return [f"http://{name}/{row}-{row % pictures}.jpg" for row, name in enumerate(self.names)]

    def calm_hosts(self):
        """The same hosts on their best day; those that are dead stay dead."""
        return [{key: host[key] for key in ("name", "address", "no_name", "refused", "silent") if key in host}
                for host in self.hosts]

    def network_seconds(self):
        """What a perfect client needs for the good rows, were its processor endlessly fast."""
        rows, longest, work = collections.Counter(self.names[row] for row in self.good), 0, 0
        for host in self.hosts:
            count = rows[host["name"]]
            service = sum(host.get("delay", (0, 0))) / 2
            begins, ends = host.get("away", (0, 0))
            most = min(PER_HOST, host.get("limit", PER_HOST))
            seconds = -(-count // most) * service
            if begins < seconds or (begins == 0 and ends):
                seconds += ends - begins
            seconds = max(seconds, count * host.get("accept_every", 0)) + host.get("lookup_fails", 0)
            longest, work = max(longest, seconds if count else 0), work + count * service
        return max(longest, work / CONNECTIONS)


class Outcome:
    """What a run made of the rows, and what the hosts saw of it."""

    def __init__(self, title, plan, had, record, measure, seconds, code):
        self.title, self.had, self.record, self.measure = title, had, record, measure
        self.seconds, self.code = seconds, code
        self.lost = collections.Counter(plan.kinds[plan.names[row]] for row in plan.good if row not in had)
        self.last = max((host["last"] for host in record["hosts"]), default=0)
        self.treated = collections.defaultdict(lambda: [0, 0, 0, 0])
        for host in record["hosts"]:
            most = self.treated[plan.kinds[host["name"]]]
            most[0] = max(most[0], host["most_connections"])
            most[1] = max(most[1], host["most_a_second"])
            most[2] += host["requests"]
            most[3] += host["refusals"]


def run_ours(cache, name, plan, hosts, urls, pictures, fetch, drop=0.0):
    folder = lab.fresh(f"{cache}/{name}")
    lab.write_list(f"{folder}/urls.csv", urls)
    manifest = lab.write_manifest(folder, fetch=fetch)
    measure = f"{folder}/measure.json"
    with lab.World(folder, hosts, pictures, drop=drop) as world:
        code, seconds = lab.build(manifest, f"{folder}/out", f"{folder}/log", measure=measure, limit=LIMIT)
    rows = lab.tables(f"{folder}/out")
    return rows, world.record, read_measure(measure), seconds, code


def run_peer(cache, plan, urls, pictures, drop):
    import pyarrow.parquet as parquet

    folder = lab.fresh(f"{cache}/peer")
    lab.write_list(f"{folder}/urls.csv", urls)
    measure = f"{folder}/measure.json"
    environment = {**os.environ, "ALBUMENTATIONS_DISABLE_VERSION_CHECK": "1", "NO_ALBUMENTATIONS_UPDATE": "1",
                   "WANDB_MODE": "disabled"}
    command = [sys.executable, f"{lab.ROOT}/bench/measure.py", "--json", measure, "--",
               os.path.join(os.path.dirname(sys.executable), "img2dataset"), "--url_list", f"{folder}/urls.csv",
               "--input_format", "csv", "--url_col", "url", "--caption_col", "caption", "--output_format", "webdataset",
               "--output_folder", f"{folder}/out", "--image_size", "384", "--resize_mode", "keep_ratio",
               "--resize_only_if_bigger", "True", "--processes_count", "2", "--thread_count", str(CONNECTIONS // 2),
               "--number_sample_per_shard", "1000", "--timeout", "10", "--retries", "2"]
    start = time.monotonic()
    with lab.World(folder, plan.hosts, pictures, drop=drop) as world, open(f"{folder}/log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, preexec_fn=lab.die_with_parent)
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    seconds = time.monotonic() - start
    had = set()
    for path in glob.glob(f"{folder}/out/*.parquet"):
        table = parquet.read_table(path, columns=["url", "status"]).to_pydict()
        had |= {int(url.rsplit("/", 1)[1].split("-")[0])
                for url, status in zip(table["url"], table["status"]) if status == "success"}
    return Outcome("img2dataset", plan, had, world.record, read_measure(measure), seconds, process.returncode)


def read_measure(path):
    try:
        with open(path) as file:
            return json.loads(file.read().splitlines()[-1])
    except (OSError, IndexError):
        return {}


def show(plan, outcomes, ideal, network, calm):
    kinds = ["ordinary", *KINDS]
    rows = collections.Counter(plan.kinds[name] for name in plan.names)
    hosts = collections.Counter(plan.kinds[host["name"]] for host in plan.hosts)
    print(f"{'':11s}{'':14s}", *(f"{outcome.title:>38s}" for outcome in outcomes))
    print(f"{'hosts':11s}{'':>6s}{'rows':>8s}", *(f"{'lost':>8s}{'connections':>13s}{'a second':>10s}{'429':>7s}" for _ in outcomes))
    for kind in kinds:
        print(f"{kind:11s}{hosts[kind]:6d}{rows[kind]:8d}", *(
            f"{'dead' if kind in DEAD else o.lost[kind]:>8}{o.treated[kind][0]:13d}{o.treated[kind][1]:10d}"
            f"{o.treated[kind][3]:7d}" for o in outcomes))
    print(f"{'all':11s}{len(plan.hosts):6d}{len(plan.names):8d}", *(
        f"{sum(o.lost.values()):8d}{max(t[0] for t in o.treated.values()):13d}"
        f"{max(t[1] for t in o.treated.values()):10d}{sum(t[3] for t in o.treated.values()):7d}" for o in outcomes))
    print()
    print(f"ideal: {ideal:.1f} s ({network:.1f} s for the network; {calm:.1f} s on this machine when no host falters)")
    for outcome in outcomes:
        whole = max(ideal, PATIENCE) if outcome.title == "ours" else ideal
        print(f"{outcome.title:12s}{len(outcome.had):6d} of {len(plan.good)} that can be had; exit {outcome.code}; "
              f"the last image after {outcome.last:.1f} s, {outcome.last / ideal:.2f} times ideal; ended after "
              f"{outcome.seconds:.1f} s, {outcome.seconds / whole:.2f} times {whole:.0f} s; "
              f"{len(outcome.had) / max(outcome.last, 1e-9):.0f} images a second; CPU {outcome.measure.get('cpu_s', 0):.1f} s; "
              f"questions {outcome.record['questions']}, {outcome.record['dropped']} of them dropped; "
              f"the servers took {outcome.record['cpu_s']:.1f} s of CPU time; "
              f"others used {outcome.measure.get('other_share', 0):.2f} of the machine")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cache")
    parser.add_argument("rows", type=int, nargs="?", default=10_000)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--fetch", default=FETCH)
    parser.add_argument("--only", default=",".join(KINDS), help="kinds of hosts beside the ordinary ones")
    parser.add_argument("--drop", type=float, default=DROPPED, help="the share of questions to the resolver that is dropped")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    lab.enter_network(a.cache)
    pictures = lab.images(os.path.dirname(a.cache))
    plan = Plan(a.rows, a.seed, a.only.split(","))
    urls = plan.urls(len(pictures))

    print("the same good rows while no host falters", file=sys.stderr)
    _, calm_record, _, calm, code = run_ours(
        a.cache, "calm", plan, plan.calm_hosts(), [urls[row] for row in plan.good], pictures, a.fetch)
    if code != 0:
        sys.exit(f"error: exit {code} on a calm day; see {a.cache}/calm/log")
    network = plan.network_seconds()
    ideal = max(network, calm)

    print("ours", file=sys.stderr)
    rows, record, measure, seconds, code = run_ours(
        a.cache, "ours", plan, plan.hosts, urls, pictures, a.fetch, drop=a.drop)
    had = {row for row, (status, _, _) in rows.items() if status == "success"}
    ours = Outcome("ours", plan, had, record, measure, seconds, code)
    outcomes = [ours]
    if not a.no_peer:
        print("img2dataset", file=sys.stderr)
        outcomes.append(run_peer(a.cache, plan, urls, pictures, a.drop))
    show(plan, outcomes, ideal, network, calm)

    digests = [hashlib.sha256(open(path, "rb").read()).hexdigest() for path in pictures]
    wrong = sum(rows[row][2] != digests[row % len(pictures)] for row in had)
    missing = len(urls) - len(rows)
    messages = collections.Counter(rows[row][:2] for row in plan.good if row in rows and row not in had)
    for (status, message), count in messages.most_common(8):
        print(f"  {count} lost: {status}: {message}")
    dead = collections.Counter((plan.kinds[plan.names[row]], *rows[row][:2]) for row in rows if plan.kinds[plan.names[row]] in DEAD)
    for (kind, status, message), count in dead.most_common(6):
        print(f"  {count} {kind}: {status}: {message}")
    if wrong or missing:
        sys.exit(f"error: {wrong} rows have other bytes than were served, {missing} rows are in no table")
    sys.exit(1 if sum(ours.lost.values()) else 0)


if __name__ == "__main__":
    main()
