#!/usr/bin/env python3
"""Makes the files in loader/: what LAVIS and torchvision do to images before BLIP-2 is trained on them.

    python Tests/Goldens/make_loader_goldens.py augment RANDAUGMENT.PY
                    (needs opencv-python-headless==4.5.5.64 and numpy<2, as LAVIS does; the file is
                    lavis/processors/randaugment.py of the package salesforce-lavis 1.0.2)
    python Tests/Goldens/make_loader_goldens.py crops
                    (needs torch and torchvision)

loader/augment.tsv   operation, its argument, seed and size of the source, which is noise made smooth
loader/augment.rgb   the pixels of the results, RGB8, one after the other
loader/crops.json    of many draws of RandomResizedCrop.get_params, for images of several sizes: deciles and means
"""
import importlib.util, json, os, sys, types

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loader")


def noise(seed, count):
    """SplitMix64, the lowest byte of each number."""
    mask, state, out = (1 << 64) - 1, seed, bytearray()
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out.append((z ^ (z >> 31)) & 255)
    return bytes(out)


def source(seed, width, height):
    """Noise on gradients; no channel has a 0, and none comes so near the ends that sharpening would leave a byte."""
    import numpy as np

    y, x = np.mgrid[0:height, 0:width]
    gradient = np.stack([x * 110 // width, y * 110 // height, (x + y) * 110 // (width + height)], -1)
    grain = np.frombuffer(noise(seed, width * height * 3), np.uint8).reshape(height, width, 3) // 4
    return (gradient + grain + 40).astype(np.uint8)


def augment(path):
    import numpy as np

    sys.modules["torch"] = types.ModuleType("torch")  # the file imports it for videos alone
    spec = importlib.util.spec_from_file_location("randaugment", path)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)

    class Wide(np.ndarray):
        """Whose smallest and largest values are Python's whole numbers: `-low` of a byte wraps around."""

        def min(self):
            return int(np.asarray(self).min())

        def max(self):
            return int(np.asarray(self).max())

    def auto_contrast(image):
        split = reference.cv2.split
        reference.cv2 = types.SimpleNamespace(
            **{name: getattr(reference.cv2, name) for name in ("merge", "calcHist")},
            split=lambda channels: [channel.view(Wide) for channel in split(channels)])
        try:
            return reference.autocontrast_func(image)
        finally:
            import cv2

            reference.cv2 = cv2

    grey = (128, 128, 128)
    operations = [("autocontrast", 0, auto_contrast), ("equalize", 0, reference.equalize_func)]
    for level in (1, 3, 5, 8, 10):
        factor = reference.enhance_level_to_args(10)(level)[0]
        operations.append(("brightness", factor, lambda image, f=factor: reference.brightness_func(image, f)))
        operations.append(("sharpness", factor, lambda image, f=factor: reference.sharpness_func(image, f)))
    for sign in (-1, 1):
        for name, most, function in (
            ("shear_x", 0.3, reference.shear_x_func), ("shear_y", 0.3, reference.shear_y_func),
            ("translate_x", 10, reference.translate_x_func), ("translate_y", 10, reference.translate_y_func),
            ("rotate", 30, reference.rotate_func),
        ):
            for level in (5, 7.3):
                value = sign * level / 10 * most
                operations.append((name, value, lambda image, f=function, v=value: f(image, v, grey)))
    rows, pixels = [], bytearray()
    for seed, (width, height) in enumerate([(40, 40), (33, 21)]):
        for name, value, function in operations:
            result = np.asarray(function(source(seed, width, height)), np.uint8)
            assert result.shape == (height, width, 3)
            rows.append(f"{name}\t{value!r}\t{seed}\t{width}\t{height}\n")
            pixels += result.tobytes()
    with open(os.path.join(HERE, "augment.tsv"), "w") as file:
        file.writelines(rows)
    with open(os.path.join(HERE, "augment.rgb"), "wb") as file:
        file.write(pixels)


def crops():
    import torch
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(11)
    sizes = []
    for width, height in [(384, 384), (512, 384), (384, 576), (900, 384), (384, 1200), (40, 31)]:
        image = torch.empty(3, height, width)
        draws = [RandomResizedCrop.get_params(image, (0.5, 1.0), (3 / 4, 4 / 3)) for _ in range(20_000)]
        figures = dict(zip(("y", "x", "height", "width"), zip(*draws)))
        deciles = {
            name: [sorted(values)[min(len(values) - 1, n * len(values) // 10)] for n in range(11)]
            for name, values in figures.items()
        }
        means = {name: round(sum(values) / len(values), 4) for name, values in figures.items()}
        sizes.append({"width": width, "height": height, "deciles": deciles, "means": means})
    with open(os.path.join(HERE, "crops.json"), "w") as file:
        json.dump(sizes, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    augment(sys.argv[2]) if sys.argv[1] == "augment" else crops()
