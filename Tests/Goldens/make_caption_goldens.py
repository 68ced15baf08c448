#!/usr/bin/env python3
"""Makes captions/: what the usual caption evaluation makes of generated captions.

    python Tests/Goldens/make_caption_goldens.py     (needs pycocoevalcap 1.2, which needs Java, and numpy)

captions/words.json     captions and their words
captions/sets.json      data sets with odd marks, empty and repeated captions, and their scores
"""
import json, os, random, re
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "captions")

WORDS = """a man the dog woman riding standing next to red-hat well-known skate-boarder cat's don't isn't dogs' men's women’s it's i'm they're
we've he'll she'd cannot gonna o'clock 'til rock'n'roll y'all 1 2 10 100 1,000 3.5 1/2 20th 50s '90s 10:30 10-year-old 2x4 5'6" $5 50% #tag @user
u.s. mr. mrs. st. dr. etc. e.g. p.m. a.m. vs. approx. inc. jan. U.S. St. Mr. NYC McDonald's TV t-shirt x-ray and/or w/ b&w AT&T black&white café naïve
CAFÉ Straße ΟΔΟΣ 日本 (small) [sic] {x} "quoted" 'single' “smart” ‘quotes’ www.foo.com x.jpg http://a.b/c? a@b.co &amp; &lt;b&gt; <b>bold</b> :) ;-) ^_^""".split()
MARKS = ["'", '"', "`", ".", ",", ";", ":", "!", "?", "-", "(", ")", "[", "]", "/", "\\", "|", "@", "#", "$", "%", "^", "&", "*", "_", "+", "=", "~", "<", ">",
         "--", "...", "''", "``", "’", "“", "”", "–", "—", "…", "£", "€", "½", "°", "²", "é", "😀", " ", "  ", "\t", "\u00a0", "\u3000"]
PLAIN = ["A man riding a wave on top of a surfboard.", "A black-and-white photo of a dog, standing.", "Two men (one with a hat) aren't smiling!", "the the the the",
         "a", "", " ", ".", "...", "?!", "Mr. Smith's dog isn't in the U.S. any more.", "It is 10:30 p.m.; 3.5 cups of 1/2 & 1 1/2.", "Call (555) 123 4567 now", "x" * 300,
         "A dog\nand a cat", "\n", "a\n\nb", "“Smart” ‘quotes’ – and — dashes…", "50% of $5 is £2.50 or €3", "rock 'n' roll, y'all!", "ALL CAPS WITH A.B.C. LETTERS",
         "vitamin C. The dog", "plan B. he", "gonna wanna gotta gimme lemme cannot", "email me@x.com or see http://x.y/z, www.foo.com."]


def ends_alone(caption):
    """Whether the last token does not depend on the next line, as a letter or an abbreviation with a dot does."""
    end = caption.rstrip()
    return not re.search(r"(^|[^A-Za-z])([A-Za-z]|nos?|art|prop|pp?|op|figs?|ca)\.$", end, re.IGNORECASE)


def odd(rng):
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 12)))
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        place = rng.randint(0, len(text))
        text = text[:place] + rng.choice(MARKS) + text[place:]
    return text


def tokenize(captions_of_images):
    """Each image's captions in words. The last line of the reference's file has no line end, which it may take for another token."""
    made = PTBTokenizer().tokenize({i: [{"caption": c} for c in captions] for i, captions in enumerate(captions_of_images + [["a"]])})
    return {i: made[i] for i in range(len(captions_of_images))}


def make_words():
    rng = random.Random(3)
    captions = PLAIN + [c for c in (odd(rng) for _ in range(1500)) if ends_alone(c)]
    with open(f"{HERE}/words.json", "w", encoding="utf-8") as file:
        rows = [{"caption": captions[i], "words": made[0]} for i, made in tokenize([[c] for c in captions]).items()]
        file.write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
    print(len(captions), "captions")


def near(rng, caption):
    words = caption.split()
    for _ in range(rng.randint(0, 4)):
        if words and rng.random() < 0.5: words.pop(rng.randrange(len(words)))
        else: words.insert(rng.randint(0, len(words)), rng.choice(WORDS))
    return " ".join(words)


def make_sets():
    rng, sets = random.Random(4), []
    for name, images in [("odd", 60), ("two images", 2), ("repeated", 8), ("empty", 5), ("plain", 40)]:
        data = []
        for i in range(images):
            base = rng.choice(PLAIN) if name == "plain" else odd(rng)
            references = [near(rng, base) for _ in range(rng.randint(1, 6))]
            caption = near(rng, base)
            if name == "repeated": references = ["a dog on a red-hat", "a dog on a red-hat"]; caption = rng.choice(["a dog on a red-hat", "a dog dog dog", ""])
            if name == "empty": caption = rng.choice(["", ".", "a man"]); references = rng.choice([["", "a man"], ["."], ["a man riding", ""]])
            data.append({"caption": caption.rstrip(". "), "references": [r.rstrip(". ") for r in references]})
        gts, res = tokenize([d["references"] for d in data]), tokenize([[d["caption"]] for d in data])
        bleu, _ = Bleu(4).compute_score(gts, res, verbose=0)
        rouge, _ = Rouge().compute_score(gts, res)
        cider, each = Cider().compute_score(gts, res)
        sets.append({"name": name, "images": data, "bleu": [float(b) for b in bleu], "rouge_l": float(rouge), "cider_d": float(cider), "each": [float(e) for e in each]})
        print(name, [round(b, 4) for b in bleu], round(float(rouge), 4), round(float(cider), 4))
    with open(f"{HERE}/sets.json", "w", encoding="utf-8") as file: json.dump(sets, file, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    make_words()
    make_sets()
