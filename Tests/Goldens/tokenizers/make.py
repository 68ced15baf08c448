"""Writes small tokenizers and what the reference code makes of many texts: golden.json and the folders beside it.

Run: python make.py    (transformers 5.23, tokenizers 0.23, ftfy 6.3, regex; no network)

bert         as transformers 5 saves it: tokenizer.json, tokenizer_config.json
bert-lists   the older files: vocab.txt, special_tokens_map.json, tokenizer_config.json with added_tokens_decoder
bert-cased   vocab.txt with do_lower_case false and clean_up_tokenization_spaces true
clip         as transformers 5 saves it
clip-lists   the older files: vocab.json, merges.txt
"""

import collections
import html
import json
import os
import random
import shutil
import unicodedata

import ftfy
import regex
from transformers import BertTokenizer, CLIPTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))

CORPUS = """
a picture of a dog running on the beach while two children play with a red ball
the old man and the sea, a painting of a small boat in a storm
three women wearing hats are sitting on a bench in front of a cafe
it's a photo of someone's kitchen; they're cooking, we've seen it, i'm sure you'll like it
a close up of a black cat sleeping on top of a laptop computer
two giraffes standing next to each other in a grassy field
a bowl of fruit: apples, oranges and 12 bananas for $3.50!
naïve café façade über straße señor crème brûlée coöperate
the city skyline at night with lights reflected in the river
a train traveling down tracks next to a lush green forest
football player scores his 1st goal during the match in 2014 (photo by someone)
vector illustration of a set of icons & symbols isolated on white background
""".strip().split("\n")

PROBES = [
    "", " ", "\n\t ", "a", "a picture of ", "A Picture of a DOG!", "the dog's ball isn't red, we'll see; they've 12 of 'em",
    "don't can't it's I'm you're he'd she'll", "'s 't 're 've 'm 'll 'd '", "rock 'n' roll ''quoted''", "''''s", "!'s ?'t",
    "naïve café façade ÜBER Straße señor", "cafe\u0301 nai\u0308ve e\u0323\u0302", "Å Å \u212b K \u212a", "İstanbul ISTANBUL ıi",
    "ΟΔΟΣ Οδυσσεύς ΣΑΣ Σ", "ПРИВЕТ мир", "日本語の写真 a dog 犬と猫", "中文，标点。", "한국어 사진", "हिन्दी चित्र", "صورة قطة", "תמונה",
    "ไทย", "😀 a dog 🐶🏽 family 👨‍👩‍👧‍👦 flag 🇩🇪", "☃ → ★ ™ © ½ ² Ⅷ ①", "1234567890 3.50 1,000", "2014-01-02T03:04", "abc123def",
    "&amp; &lt;b&gt; &quot;x&quot; &#39;y&#39; &#x27;z&#x27;", "Tom &amp;amp; Jerry", "&amp;amp;amp;lt;", "caf&eacute; &hellip; &nbsp;x",
    "&copy 2014 &copysr; &notit; &notin; &nosuch; &amp", "&#0; &#128; &#x80; &#xD800; &#x110000; &#99999999999; &#13; &#1; &#65 b",
    "&EACUTE; &AMP; &NTILDE; &SZLIG; &eacute", "<b>bold</b> &amp; &ldquo;curly&rdquo;", "a\n<i>b</i> &eacute;\nc &eacute;", "a &lsquo;b&rsquo;\n<br>",
    "&ClockwiseContourIntegral; &nvinfintie; &fjlig; &HilbertSpace; &notindot; &xnosuchnamethatislongerthananyone;", "&ThickSpace;x&zwnj;y&ZeroWidthSpace;",
    "\u2018single\u2019 \u201cdouble\u201d \u201alow\u201b \u201elow\u201f it\u2019s \u02bcn", "ﬁne ﬂuﬃeﬆ ĳs ǆ ŉ ﬅ", "ＬＯＵＤ　ＮＯＩＳＥＳ １２３ ﾊﾝｶｸ ｶﾞ ￡￥", "a\u0000b\u0007c\u001bd\u007fe\u0085f\u0091g\u0092",
    "\x1b[36;44mblue\x1b[0m text \x1b[x", "a\r\nb\rc\u2028d\u2029e\u000bf\u000cg", "\ufeffbom \u200bzero\u200cwidth\u200djoin\u2060er \u00adsoft",
    "no\u00a0break\u2003em\u3000wide\u1680ogham", "\ufffd \ufffc \ufff9x\ufffb", "\ue000private \U000f0000", "[CLS] [SEP] [MASK] [UNK] [PAD] [DEC] [ENC] [dec]",
    "x[SEP]y", "<|startoftext|> a <|endoftext|> dog", "<|STARTOFTEXT|>!! <|EndOfText|>", "!!<|startoftext|>", "a_b-c/d\\e@f#g$h%i^j&k*l(m)n+o=p",
    "... !!! ??? ,,, ---", "a.b,c!d?e;f:g", "http://example.com/a?b=c&d=e", "user@example.com", "x" * 99, "x" * 100, "x" * 101, "é" * 100, "a" * 300,
    "dogs dogging undogged", "antidisestablishmentarianism", "sûr Ａ ｂ Ǆ", "\u0301\u0302 lone marks \u20dd", "a\u0600b \u06dd", "\u2e3a\u301c〜～", "ſtop \u1e9eß",
    "don\u2019t &rsquo;s &apos;s &#8217;s", "word\u0301s' ends'", "ab" * 40, "the the the " * 40, "\u202eright\u202c to \u200fleft", "𝒥ohn ℋancock 𝔘𝔫𝔦",
]
# Text decoded in the wrong encoding, which CLIP's tokenizer repairs.
MOJIBAKE = ["cafÃ© au lait", "itâ€™s fine", "âœ” No problems", "schÃ¶n", "l’humanitÃ©"]


def random_texts(count):
    """Texts made of pieces that are likely to disturb a tokenizer."""
    rng = random.Random(20)
    words = " ".join(CORPUS).split()
    entities = ["&amp;", "&lt;", "&eacute;", "&rsquo;", "&#233;", "&#x1F600;", "&nbsp;", "&copy", "&#0", "&ldquo;", "&AMP;", "&#8220;", "&hearts;"]
    marks = list("'\"!?.,;:-()[]{}#@*/\\|<>~`^_+=$%&") + ["'s", "'ll", "\u2019", "\u201c", "\u2014", "\u2026"]
    spaces = [" ", " ", " ", "  ", "\n", "\t", "\u00a0", "\u3000", "\r\n", ""]
    ranges = [(0x20, 0x7E), (0xA1, 0x17F), (0x300, 0x36F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939),
              (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2030, 0x205E), (0x2190, 0x21FF), (0x2460, 0x24FF), (0x3041, 0x30FF),
              (0x4E00, 0x4FFF), (0xAC00, 0xAFFF), (0xFB00, 0xFB06), (0xFF01, 0xFFEE), (0x1F600, 0x1F64F), (0x1D400, 0x1D454)]
    texts = []
    for _ in range(count):
        parts = []
        for _ in range(rng.randrange(1, 14)):
            kind = rng.randrange(6)
            if kind < 2: parts.append(rng.choice(words))
            elif kind == 2: parts.append(rng.choice(words).upper())
            elif kind == 3: parts.append(rng.choice(marks))
            elif kind == 4: parts.append(rng.choice(entities))
            else: parts.append("".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randrange(1, 5))))
            parts.append(rng.choice(spaces))
        text = "".join(parts)
        if all(0xD800 > ord(c) or ord(c) > 0xDFFF for c in text): texts.append(text)
    return texts


def learn_pairs(words, count):
    counts, merges = collections.Counter(words), []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, times in counts.items():
            for pair in zip(word, word[1:]): pairs[pair] += times
        if not pairs: break
        best = min(pairs, key=lambda p: (-pairs[p], p)); merges.append(best)
        merged = collections.Counter()
        for word, times in counts.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best: out.append(word[i] + word[i + 1]); i += 2
                else: out.append(word[i]); i += 1
            merged[tuple(out)] += times
        counts = merged
    return merges


def bytes_to_unicode():
    """As in openai/CLIP: printable bytes stand for themselves, the others for U+0100 on."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table: table[b] = chr(256 + extra); extra += 1
    return {b: table[b] for b in [*keep, *(b for b in range(256) if b not in keep)]}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file: file.write(text)


def write_json(path, value): write(path, json.dumps(value, ensure_ascii=False, indent=0))


def make_bert():
    letters = sorted({c for line in CORPUS for c in line.lower() if not c.isspace()} | set("abcdefghijklmnopqrstuvwxyzäöüéß犬写真日한국привет"))
    letters = sorted({c for letter in letters for c in unicodedata.normalize("NFD", letter) if unicodedata.category(c) != "Mn"} | set("éÜA"))
    words = collections.Counter(w for line in CORPUS for w in regex.findall(r"\p{L}+", line.lower()))
    pieces = ["##" + s for s in ["s", "ing", "ed", "er", "ly", "est", "un", "og"]] + ["##" + c for c in letters if c.isalpha()]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + list("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~，。") + sorted(words) + ["Picture", "Dog"] + pieces
    vocab = list(dict.fromkeys(vocab))
    for folder in ["bert-lists", "bert-cased"]: write(f"{HERE}/{folder}/vocab.txt", "\n".join(vocab) + "\n")
    count = len(vocab)
    added = {str(count + i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
             for i, t in enumerate(["[DEC]", "[ENC]"])}
    write_json(f"{HERE}/bert-lists/special_tokens_map.json", {"bos_token": "[DEC]", "additional_special_tokens": ["[ENC]"], "cls_token": "[CLS]"})
    write_json(f"{HERE}/bert-lists/tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "added_tokens_decoder": added})
    write_json(f"{HERE}/bert-cased/tokenizer_config.json",
               {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "clean_up_tokenization_spaces": True, "tokenize_chinese_chars": False})
    full = BertTokenizer.from_pretrained(f"{HERE}/bert-lists")
    full.save_pretrained(f"{HERE}/bert")
    return [("bert", BertTokenizer.from_pretrained(f"{HERE}/bert")), ("bert-lists", full),
            ("bert-cased", BertTokenizer.from_pretrained(f"{HERE}/bert-cased"))]


PATTERN = regex.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)


def make_clip():
    alphabet = bytes_to_unicode()
    words = []
    for line in CORPUS:
        for word in regex.findall(PATTERN, line.lower()):
            symbols = [alphabet[b] for b in word.encode()]
            words.append(tuple(symbols[:-1] + [symbols[-1] + "</w>"]))
    merges = learn_pairs(words, 400)
    vocab = [*alphabet.values(), *(c + "</w>" for c in alphabet.values()), *("".join(m) for m in merges), "<|startoftext|>", "<|endoftext|>"]
    vocab = {token: i for i, token in enumerate(vocab)}
    write_json(f"{HERE}/clip-lists/vocab.json", vocab)
    write(f"{HERE}/clip-lists/merges.txt", "#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n")
    write_json(f"{HERE}/clip-lists/tokenizer_config.json", {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77,
               "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"})
    plain = CLIPTokenizer.from_pretrained(f"{HERE}/clip-lists")
    plain.save_pretrained(f"{HERE}/clip")
    ranks = {m: i for i, m in enumerate(merges)}

    def web(text):
        """openai/CLIP: basic_clean, whitespace_clean, lower, byte pairs; tokenize(truncate=True) without padding."""
        text = ftfy.fix_text(text)
        text = html.unescape(html.unescape(text)).strip()
        text = regex.sub(r"\s+", " ", text).strip().lower()
        ids = []
        for word in regex.findall(PATTERN, text):
            if word in ("<|startoftext|>", "<|endoftext|>"):
                ids.append(vocab[word]); continue
            symbols = [alphabet[b] for b in word.encode()]
            symbols[-1] += "</w>"
            while len(symbols) > 1:
                rank, pair = min((ranks.get(p, 1 << 30), p) for p in zip(symbols, symbols[1:]))
                if rank == 1 << 30: break
                out, i = [], 0
                while i < len(symbols):
                    if tuple(symbols[i:i + 2]) == pair: out.append(symbols[i] + symbols[i + 1]); i += 2
                    else: out.append(symbols[i]); i += 1
                symbols = out
            ids += [vocab[s] for s in symbols]
        ids = [vocab["<|startoftext|>"], *ids, vocab["<|endoftext|>"]][:77]
        return ids[:-1] + [vocab["<|endoftext|>"]]

    return CLIPTokenizer.from_pretrained(f"{HERE}/clip"), web


def main():
    for folder in ["bert", "bert-lists", "bert-cased", "clip", "clip-lists"]: shutil.rmtree(f"{HERE}/{folder}", ignore_errors=True)
    berts, (plain, web) = make_bert(), make_clip()
    texts = PROBES + MOJIBAKE + random_texts(int(os.environ.get("RANDOM_TEXTS", "250")))
    rows = []
    for text in texts:
        row = {"text": text}
        for name, tokenizer in berts:
            ids = tokenizer(text)["input_ids"]
            row[name] = {"ids": ids, "decoded": tokenizer.decode(ids), "plain": tokenizer.decode(ids, skip_special_tokens=True)}
        ids = plain(text, truncation=True, max_length=77)["input_ids"]
        row["clip"] = {"ids": ids, "decoded": plain.decode(ids), "plain": plain.decode(ids, skip_special_tokens=True)}
        row["openai"] = web(text)
        rows.append(row)
    out = os.environ.get("GOLDEN", f"{HERE}/golden.json")
    with open(out, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
    print(f"{len(rows)} texts, {os.path.getsize(out)} bytes")


if __name__ == "__main__":
    main()
