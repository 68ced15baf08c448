#!/usr/bin/env python3
"""webdataset with PyTorch's DataLoader, doing what `blip2 benchmark-loader` does: peer.py DATASET BATCHES

BLIP-2's random crop by Pillow, mirrored by chance, cleaned caption, uint8 tensors; a worker for each core.
"""
import glob, json, math, os, random, re, sys, time

import numpy, torch, webdataset
from PIL import Image

SIDE, BATCH = 224, 64


def crop(image):
    """torchvision's RandomResizedCrop (0.5 to 1, 3/4 to 4/3), bicubic."""
    width, height = image.size
    for _ in range(10):
        area = width * height * random.uniform(0.5, 1)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            x, y = random.randint(0, width - w), random.randint(0, height - h)
            return image.crop((x, y, x + w, y + h)).resize((SIDE, SIDE), Image.BICUBIC)
    side = min(width, height)
    x, y = (width - side) // 2, (height - side) // 2
    return image.crop((x, y, x + side, y + side)).resize((SIDE, SIDE), Image.BICUBIC)


def prepare(sample):
    image, captions = sample
    image = crop(image)
    if random.random() < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    text = re.sub(r"\s{2,}", " ", re.sub(r"[.!\"()*#:;~]", " ", random.choice(captions).lower())).strip(" \n")
    return torch.from_numpy(numpy.array(image)), text


def cpu_seconds():
    """Of this process and its workers."""
    total = 0
    for name in os.listdir("/proc"):
        try:
            fields = open(f"/proc/{name}/stat").read().rsplit(") ", 1)[1].split() if name.isdigit() else None
        except OSError:
            continue
        if fields and (int(name) == os.getpid() or int(fields[1]) in family):
            family.add(int(name))
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


family = {os.getpid()}


def main():
    shards = sorted(glob.glob(os.path.join(sys.argv[1], "shards", "*.tar.zst")))
    workers = min(os.cpu_count(), len(shards))
    dataset = (
        webdataset.WebDataset(
            [f"pipe:zstd -dcq {shard}" for shard in shards], resampled=True, shardshuffle=False, empty_check=False)
        .shuffle(1000).decode("pilrgb").to_tuple("jpg;webp;png", "json").map(prepare).batched(BATCH))
    batches = iter(torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=workers))
    for _ in range(4):
        next(batches)
    start, used, count = time.perf_counter(), cpu_seconds(), int(sys.argv[2])
    for _ in range(count):
        next(batches)
    seconds, used = time.perf_counter() - start, cpu_seconds() - used
    samples = count * BATCH
    print(json.dumps({
        "samples": samples, "seconds": seconds, "samplesPerSecond": samples / seconds, "cpuSeconds": used}))


if __name__ == "__main__":
    main()
