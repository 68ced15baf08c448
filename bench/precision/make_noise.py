"""Writes images of noise, coarse and fine, and a list of them: make_noise.py FOLDER COUNT"""
import os
import sys

import numpy
from PIL import Image

folder, count = sys.argv[1], int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
random = numpy.random.default_rng(7)
with open(f"{folder}/list.csv", "w") as file:
    file.write("url,caption\n")
    for number in range(count):
        grain = int(random.choice([1, 4, 16, 64]))
        small = random.integers(0, 256, (256 // grain, 256 // grain, 3), dtype=numpy.uint8)
        Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC).save(f"{folder}/{number:06}.png")
        file.write(f"{number:06}.png,noise\n")
