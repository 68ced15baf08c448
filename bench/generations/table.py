"""Prints what bench/generations/run found: a line for each captioner. Usage: table.py FOLDER."""
import json
import sys

CAPTIONERS = (("new-blip", "BLIP"), ("new-first", "BLIP-2, first generation"), ("new-second", "BLIP-2, second generation"))


def share(part, whole):
    return f"{100 * part / whole:6.1f} %" if whole else "      –"


def main(folder):
    found = {}
    for name, _ in CAPTIONERS:
        with open(f"{folder}/{name}.json") as file:
            found[name] = json.load(file)
    web = found["new-blip"]
    print(f"{web['images']} scenes{'':18}  {'captions true':>14}  {'best true':>10}  {'both kept true':>14}")
    print(f"{'the web alone':28}  {share(web['webTrue'], web['images']):>14}  {share(web['webTrue'], web['images']):>10}")
    for name, title in CAPTIONERS:
        own = found[name]
        print(f"{title:28}  {share(own['madeTrue'], own['made']):>14}  {share(own['bestTrue'], own['images']):>10}"
              f"  {share(own['allKeptTrue'], own['images']):>14}")
    before, after = found["new-first"], found["new-second"]
    gain = after["madeTrue"] / after["made"] - before["madeTrue"] / before["made"]
    print(f"The second generation writes {abs(100 * gain):.1f} points {'more' if gain > 0 else 'fewer'} true captions than the first.")


main(sys.argv[1])
