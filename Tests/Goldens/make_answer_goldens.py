#!/usr/bin/env python3
"""Makes captions/answers.json: what the official VQA scorers give generated answers.

    python Tests/Goldens/make_answer_goldens.py     (no packages)

Both scorers are written down anew here, from what is known of them: "lavis" of LAVIS and of GT-Vision-Lab/VQA c4e6a0e, "vqa" of
a013f00, "gqa" of LAVIS's task for GQA. Their results were compared with those of salesforce-lavis 1.0.2 when this was written.
"""
import json, os, random, re

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "captions")
MARKS = ';/[]"{}()=+\\_-><@`,?!'
DIGITS = dict(zip("none zero one two three four five six seven eight nine ten".split(), "0 0 1 2 3 4 5 6 7 8 9 10".split()))
# With one apostrophe left out, these get it back.
FORMS = """ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't
it'd it'd've it'll ma'am might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't
shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd
there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd
where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've
you'll you're you've""".split()
CONTRACTIONS = {f[:i] + f[i + 1:]: f for f in FORMS for i, c in enumerate(f) if c == "'"} | {"somebody'd": "somebodyd"}


def marks(text):
    out = text
    for m in MARKS:
        gone = m + " " in text or " " + m in text or re.search(r"\d,\d", text)
        out = out.replace(m, "" if gone else " ")
    return re.sub(r"\.(?!\d)", "", out, count=32)


def words(text):
    kept = [DIGITS.get(w, w) for w in text.lower().split()]
    return " ".join(CONTRACTIONS.get(w, w) for w in kept if w not in ("a", "an", "the"))


def plain(text): return text.replace("\n", " ").replace("\t", " ").strip()


def agreement(given, answers):
    return sum(min(1, sum(a == given for j, a in enumerate(answers) if j != i) / 3) for i in range(len(answers))) / len(answers)


def lavis(given, answers):
    given = words(marks(plain(given)))
    if len(set(answers)) > 1: answers = [marks(a) for a in answers]
    return agreement(given, answers)


def vqa(given, answers):
    given, answers = plain(given), [plain(a) for a in answers]
    if len(set(answers)) > 1: given, answers = words(marks(given)), [words(marks(a)) for a in answers]
    return agreement(given, answers)


def gqa(given, answer): return float(words(marks(given)) == answer)


def variants(rng, text):
    kind = rng.randrange(9)
    if kind == 0: return text.upper()
    if kind == 1: return rng.choice(["the ", "a ", "An "]) + text
    if kind == 2: return text + rng.choice([".", "!", ",", " .", "?", "...", "\n", "\t", " "])
    if kind == 3: return text.replace(" ", rng.choice(["-", "_", "/", ", ", "\t"]))
    if kind == 4: return text.replace("'", "")
    if kind == 5: return rng.choice(['"%s"', "(%s)", "%s;x", "%s, %s", "%s-%s", "<%s>"]).replace("%s", text)
    return text


BASES = ["yes", "no", "St. Louis", "two", "2", "none", "10:30", "1,000", "3.5", "red and white", "don't know", "isn't", "Dont", "o'clock", "t-shirt", "on the table", "a", "",
         "U.S.A.", "..", "7.", "mr. smith's", "1,5 , 2", "couldnt've", "somebody'd", "yall", "ten dogs", "zero", "@home", "50%", "naïve", "日本", "q" * 40 + "." * 40, "٣,٤", "İ"]


def main():
    rng, rows = random.Random(11), []
    for _ in range(700):
        pool = [variants(rng, rng.choice(BASES[:1] + [rng.choice(BASES)])) for _ in range(rng.randint(1, 4))]
        answers = [rng.choice(pool) for _ in range(10)] if rng.random() < 0.8 else [pool[0]] * 10
        given = variants(rng, rng.choice(answers + BASES[:5]))
        rows.append([given, answers])
    rows += [["Yes.", ["yes"] * 10], ["none", ["none"] * 10], ["st louis", ["St. Louis"] * 9 + ["st louis"]], ["two", ["2"] * 2 + ["two"] * 8]]
    rows += [["red", ["red"] * k + ["blue"] * (10 - k)] for k in range(11)]
    made = [{"given": g, "answers": a, "lavis": lavis(g, a), "vqa": vqa(g, a), "gqa": gqa(g, a[0])} for g, a in rows]
    with open(f"{HERE}/answers.json", "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(m, ensure_ascii=False) for m in made) + "\n]\n")
    print(len(made), "answers,", sum(m["lavis"] > 0 for m in made), sum(m["vqa"] > 0 for m in made), sum(m["gqa"] > 0 for m in made), "scored")
    print([(m["given"], round(m["lavis"], 2), round(m["vqa"], 2)) for m in made[-15:]])


if __name__ == "__main__": main()
