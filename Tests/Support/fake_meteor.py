#!/usr/bin/env python3
"""Stands in for java with METEOR in it; the file `plan` beside it says how it behaves, and it writes its number to `pid`."""
import os, subprocess, sys, time

here = os.path.dirname(os.path.abspath(__file__))
with open(here + "/pid", "w") as file:
    file.write(str(os.getpid()))
with open(here + "/arguments", "w") as file:
    file.write("\n".join(sys.argv[1:]))
plan = open(here + "/plan").read().strip()


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if plan == "dies":
    sys.exit("no memory\nat all")
if plan == "is killed":
    os.kill(os.getpid(), 15)
if plan == "hangs up":
    os.close(1)
    time.sleep(600)
if plan == "is silent":
    time.sleep(600)
if plan == "never ends its line":
    while True:
        os.write(1, b"x" * 65536)
if plan == "leaves a child":
    subprocess.Popen(["sleep", "600"])
    sys.exit(4)
if plan == "complains at length":
    os.write(2, b"x" * (1 << 20))

for line in sys.stdin:
    parts = line.rstrip("\n").split(" ||| ")
    if parts[0] == "SCORE":
        if plan == "dies in the middle":
            sys.exit(3)
        with open(here + "/told", "a") as file:
            file.write(line)
        say("nonsense" if plan == "says nonsense" else "1.0 2.0")
    elif plan == "has other scores":
        say("NaN")
    else:
        for _ in parts[1:]:
            say("0.5")
        say("%.4f" % (1 / len(parts)))
