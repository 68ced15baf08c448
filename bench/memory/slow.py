#!/usr/bin/env python3
"""The memory of a build over 2,000 hosts, where each hundredth row takes 30 seconds: slow.py CACHE ROWS"""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "wild"))
import lab

HOSTS = 2000


def main():
    cache, rows = sys.argv[1], int(sys.argv[2])
    lab.enter_network(cache)
    folder = lab.fresh(f"{cache}/slow")
    subprocess.run([lab.PIPELINE, "demo", "--output", f"{folder}/demo", "--count", "500", "--seed", "3", "--clean",
                    "--no-serve"], check=True, stdout=subprocess.DEVNULL)
    pictures = sorted(glob.glob(f"{folder}/demo/images/*"))
    addresses = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(HOSTS)]
    hosts = [{"name": f"h{number}.test", "address": address, "late": [100, 30]} for number, address in enumerate(addresses)]
    lab.write_list(f"{folder}/urls.csv", (
        f"http://{addresses[row * 7919 % HOSTS]}/{row}-{row % len(pictures)}.jpg" for row in range(rows)))
    manifest = lab.write_manifest(folder, fetch="timeout: 60", samples=10000, size=96)
    with lab.World(folder, hosts, pictures) as world:
        status = subprocess.run([
            sys.executable, f"{HERE}/curve.py", f"{cache}/memory-slow.svg", lab.PIPELINE, "build", "--manifest", manifest,
            "--output", f"{folder}/out", "--workers", "1"]).returncode
    kept = sum(row[0] == "success" for row in lab.tables(f"{folder}/out").values())
    most = max(host["most_connections"] for host in world.record["hosts"])
    print(f"{kept} of {rows} rows kept; at most {most} connections to a host")
    sys.exit(status)


if __name__ == "__main__":
    main()
