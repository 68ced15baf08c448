"""Writes a list of images with captions, from standard input, with the captions permuted among the images."""
import csv
import random
import sys

header, *rows = csv.reader(sys.stdin)
captions = [row[1:] for row in rows]
random.Random(5).shuffle(captions)
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(header)
out.writerows([row[0]] + own for row, own in zip(rows, captions))
