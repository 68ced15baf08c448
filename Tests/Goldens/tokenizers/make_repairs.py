#!/usr/bin/env python3
"""Writes what ftfy makes of many texts that were decoded in a wrong encoding, or look like it: repairs.json.

Run: python make_repairs.py    (ftfy 6.3.1; no network). COUNT=N asks for so many texts, GOLDEN=FILE for another file.
"""
import json
import os
import random

import ftfy
from ftfy.badness import MOJIBAKE_CATEGORIES
from ftfy.chardata import CHARMAP_ENCODINGS, UTF8_CLUES

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = [
    "café au lait", "it’s fine — really…", "✔ No problems", "schön größer Übermut", "l’humanité", "naïve façade",
    "voilà le travail", "à la mode", "à quel point às vezes àquele dia", "“quoted” ‘text’", "€ 12,50 £3 ¥500 ©2014 ®™",
    "Привет, мир", "Москва зимой", "Ελληνικά κείμενα Άγιος", "日本語の写真", "中文标点。", "한국어 사진", "हिन्दी चित्र", "صورة قطة", "תמונה",
    "ไทย", "😀 a dog 🐶🏽", "👨‍👩‍👧‍👦 family", "Łódź żółw", "Škoda čaj", "Ősz űr", "İstanbul ışık", "Rīga šķūnis", "½ kg ² ³ µm ±5°",
    "ﬁne ﬂuﬀy", "a b c", "¿Qué? ¡Sí!", "«guillemets»", "Ærø ørsted Åse", "Señor Núñez", "İ", "Â Ã", "×²", "√ ≈ ∂", "─│┌ box ▀▄█",
    "(ง'̀-'́)ง ô_ò ò_ó °o°", "œuvre Œdipe", "1º 2ª", "P&EACUTE;REZ &eacute; &amp;#233;", "<b>caf&eacute;</b>", "1 × 2 ÷ 3", "Å", "Ã ", "Â£5",
    "plain English text", "MÃ¡s &quot;texto&quot;", "RenÃ©e’s", "\x80\x93\x94", "a\x85b", "\ufffd\ufffd",
]
CUT = "�? \x1a\xa0 ŠŽšžŸ€…†‡•–—˜™›œ‚ƒ„ˆ‰‹"
SPACE, WORDS = [" ", " ", "\n", "\xa0", "", "", "\t", "\r\n"], ["a", "the", "dog", "Z", "x1", ".", ",", "!", "_", "&amp;", "<", "é", "ü", "я", "β"]


def misread(rng, text):
    """The text in UTF-8, read in another encoding, perhaps twice, perhaps damaged on the way."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        data = bytearray(text.encode("utf-8", "surrogatepass"))
        if rng.random() < 0.1: data = bytearray(b"".join(cesu(c) for c in text))
        if rng.random() < 0.15: data = data[:rng.randrange(len(data) + 1)]
        if rng.random() < 0.15 and data: data[rng.randrange(len(data))] = rng.choice([0x1a, 0x3f, 0x20, 0xed, 0xc0, 0x80])
        encoding = rng.choice(CHARMAP_ENCODINGS + ["latin-1", "sloppy-windows-1252", "cp1252", "cp1251"])
        text = bytes(data).decode(encoding, "replace")
    if rng.random() < 0.3: text = text.replace("\xa0", " ")
    if rng.random() < 0.1: text = text.replace("\x1a", "\ufffd")
    return text


def cesu(character):
    """Characters beyond U+FFFF as two surrogates, U+0000 as two bytes."""
    if character == "\0": return b"\xc0\x80"
    if ord(character) < 0x10000: return character.encode()
    code = ord(character) - 0x10000
    return b"".join(chr(part).encode("utf-8", "surrogatepass") for part in [0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF)])


def classes():
    """The characters of each of the reference's sorts."""
    result = []
    for text in list(MOJIBAKE_CATEGORIES.values()) + list(UTF8_CLUES.values()):
        members, place = [], 0
        while place < len(text):
            if place + 2 < len(text) and text[place + 1] == "-":
                members += [chr(c) for c in range(ord(text[place]), ord(text[place + 2]) + 1)]
                place += 3
            else:
                members.append(text[place])
                place += 1
        result.append(members)
    return result


def make(rng, sorts):
    kind = rng.randrange(4)
    if kind < 2:  # words, some of them misread
        parts = []
        for _ in range(rng.randrange(1, 4)):
            text = rng.choice(TEXTS)
            parts += [misread(rng, text) if rng.random() < 0.7 else text, rng.choice(SPACE)]
        return "".join(parts)
    if kind == 2:  # characters that occur in misread text, in any order
        return "".join(rng.choice(rng.choice(sorts)) if rng.random() < 0.7 else rng.choice(WORDS + SPACE + list(CUT))
                       for _ in range(rng.randrange(1, 9)))
    return "".join(rng.choice([rng.choice(WORDS), rng.choice(CUT), chr(rng.choice([rng.randrange(0x80, 0x180), rng.randrange(0x370, 0x500)]))])
                   for _ in range(rng.randrange(1, 7)))


def main():
    rng, sorts = random.Random(int(os.environ.get("SEED", "7"))), classes()
    texts = TEXTS + [make(rng, sorts) for _ in range(int(os.environ.get("COUNT", "2500")))]
    rows = [[text, ftfy.fix_text(text)] for text in dict.fromkeys(texts)]
    out = os.environ.get("GOLDEN", f"{HERE}/repairs.json")
    with open(out, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
    print(len(rows), "texts,", sum(a != b for a, b in rows), "of them repaired,", os.path.getsize(out), "bytes")


main()
