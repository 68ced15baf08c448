"""Writes COUNT images of noise of several sizes: images.py FOLDER COUNT"""
import os
import sys

import numpy as np
from PIL import Image

folder, count = sys.argv[1], int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
for number in range(count):
    path = os.path.join(folder, f"{number:04}.png")
    if not os.path.exists(path):
        noise = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((400 + 8 * (number % 4), 300), Image.BICUBIC).save(path)
