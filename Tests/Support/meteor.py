"""METEOR of sets of captions by pycocoevalcap: a list of sets on standard input, a score for each, and that of all, on standard output.

A set is a list of images with `caption` and `references`. With --jar the path of its program is printed instead.
"""
import json, os, sys

import pycocoevalcap.meteor.meteor as meteor
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

if sys.argv[1:] == ["--jar"]:
    print(os.path.join(os.path.dirname(os.path.abspath(meteor.__file__)), meteor.METEOR_JAR))
    sys.exit()


def tokenize(captions_of_images):
    # The last line of the reference's file has no line end, which it may take for another token.
    made = PTBTokenizer().tokenize({i: [{"caption": c} for c in captions] for i, captions in enumerate(captions_of_images + [["a"]])})
    return {i: made[i] for i in range(len(captions_of_images))}


sets = json.load(sys.stdin)
scorer = meteor.Meteor()
scores = []
for images in sets + [sum(sets, [])]:
    gts = tokenize([image["references"] for image in images])
    res = tokenize([[image["caption"]] for image in images])
    scores.append(scorer.compute_score(gts, res)[0])
print(json.dumps(scores))
