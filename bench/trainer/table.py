"""Prints what bench/trainer/run found: answers by kind of question, and what fine-tuning adds. Usage: table.py FOLDER."""
import json
import sys

KINDS = (("colour", "what colour", 9), ("place", "where", 9), ("number", "how many", 3), ("presence", "is there", 2))


def percent(share):
    return f"{100 * share:.1f} %"


def read(folder, name):
    with open(f"{folder}/{name}.json") as file:
        return json.load(file)


def answers(folder):
    print(f"{'answered right':14}  {'questions':>9}  {'chance':>7}  {'commonest':>9}"
          f"  {'OPT':>7}  {'other image':>11}  {'no image':>8}  {'T5':>7}  {'other image':>11}  {'no image':>8}")
    found = {(family, shown): read(folder, f"{family}-{shown}") for family in ("opt", "t5") for shown in ("own", "other", "none")}
    for kind, title, choices in KINDS:
        own = found["opt", "own"]
        by = {key: percent(value["by_question_type"][kind]["accuracy"]) for key, value in found.items()}
        print(f"{title:14}  {own['by_question_type'][kind]['questions']:9}  {percent(1 / choices):>7}"
              f"  {percent(own['commonest_answer'][kind]['accuracy']):>9}"
              f"  {by['opt', 'own']:>7}  {by['opt', 'other']:>11}  {by['opt', 'none']:>8}"
              f"  {by['t5', 'own']:>7}  {by['t5', 'other']:>11}  {by['t5', 'none']:>8}")


def gains(folder):
    before, after = read(folder, "stage1"), read(folder, "finetuned-retrieval")
    scores = [read(folder, f"scored-{model}")["cider_d"] for model in ("opt-captions", "finetuned-captioning")]
    rows = [
        ("questions answered right, zero-shot", read(folder, "opt-captions-vqa")["accuracy"], read(folder, "finetuned-vqa")["accuracy"]),
        ("captions drawn that are true, phase 2", *(
            found["madeTrue"] / found["made"] for found in (read(folder, "captioned-opt-captions"), read(folder, "captioned-finetuned-captioning")))),
    ]
    for score, name in (("itc", "ITC"), ("itm", "ITC + ITM")):
        for way, title in (("image_to_text", "image to text"), ("text_to_image", "text to image")):
            rows.append((f"recall@1, {title}, {name}, phase 1",
                         before[score][way]["recall_at_1"], after[score][way]["recall_at_1"]))
    print(f"\n{'':44}  {'before':>7}  {'fine-tuned':>10}")
    for name, old, new in rows:
        print(f"{name:44}  {percent(old):>7}  {percent(new):>10}")
    print(f"{'CIDEr-D by five beams, phase 2':44}  {scores[0]:7.2f}  {scores[1]:10.2f}")


answers(sys.argv[1])
gains(sys.argv[1])
