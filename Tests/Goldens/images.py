#!/usr/bin/env python3
"""Makes the files in images/: small images of every kind that the decoder meets, and what Pillow makes of them.

    python Tests/Goldens/images.py       (needs pillow<13 and numpy)

images/decode.tsv    file, what is expected (ok, or the code of the error), tolerance, stored width and height,
                      orientation
images/decode.rgb    the upright pixels of the files that are ok, RGB8, one after the other
images/resize.tsv    kind, seed and size of the source, size of the result
images/resize.rgb    the pixels of the results
images/hashes.tsv    seed, width and height of the source, its perceptual hash
"""
import io, os, struct, zlib
import numpy as np
from PIL import Image, ImageOps

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
random = np.random.default_rng(20240517)
decoded, resized = [], []
decoded_pixels, resized_pixels = bytearray(), bytearray()


def scene(width, height):
    """Smooth colours with some noise and a hard edge."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 100 * np.sin(x / (7 + c)) * np.cos(y / (11 - 2 * c)) for c in range(3)]
    pixels = np.stack(planes, -1) + random.normal(0, 12, (height, width, 3))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 60)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def on_white(image):
    """Upright RGB, alpha on white, 16 bits cut to 8."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        high = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return Image.fromarray(high).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")
    return image.convert("RGB")


def good(name, data, tolerance=0):
    image = Image.open(io.BytesIO(data))
    orientation = image.getexif().get(0x0112, 1)
    image.load()
    size = image.size
    write(name, data)
    decoded_pixels.extend(on_white(image).tobytes())
    decoded.append((name, "ok", tolerance, *size, orientation))


def bad(name, data, code):
    write(name, data)
    decoded.append((name, code, 0, 0, 0, 0))


def exif(orientation, order="<"):
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIHHHIHH", 42, 8, 1, 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + tiff + struct.pack(order + "I", 0)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, extra=b"", interlace=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    idat = chunk(b"IDAT", zlib.compress(rows)) if rows is not None else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + idat + chunk(b"IEND", b"")


def interlaced(image):
    """Adam7, unfiltered; Pillow cannot write it."""
    pixels, rows = np.asarray(image), b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = pixels[y::dy, x::dx]
        if part.size:
            rows += b"".join(b"\0" + line.tobytes() for line in part)
    return png(image.width, image.height, 8, 2, rows, interlace=1)


def patched(data, marker, offset, value):
    """A JPEG with bytes of the first segment that `marker` starts replaced."""
    place = data.index(marker) + offset
    return data[:place] + value + data[place + len(value) :]


def jpegs():
    image = scene(61, 43)
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        good(f"{name}.jpg", saved(image, "JPEG", quality=90, subsampling=sampling))
    progressive = saved(scene(75, 50), "JPEG", quality=85, progressive=True)
    good("progressive.jpg", progressive)
    good("gray.jpg", saved(image.convert("L"), "JPEG", quality=85))
    good("restarts.jpg", saved(image, "JPEG", quality=85, restart_marker_blocks=2))
    good("one.jpg", saved(scene(1, 1), "JPEG"))
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=90)
    good("cmyk.jpg", cmyk, tolerance=1)
    good("ycck.jpg", patched(cmyk, b"Adobe", 11, b"\2"), tolerance=1)
    for orientation in range(1, 9):
        data = saved(scene(40, 24), "JPEG", quality=90, exif=exif(orientation, "<>"[orientation % 2]))
        good(f"orientation{orientation}.jpg", data)
    plain = saved(scene(40, 24), "JPEG", quality=90)
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data for data in (exif(6), exif(3)))
    good("twoexif.jpg", plain[:2] + segments + plain[2:])
    whole = saved(scene(160, 120), "JPEG", quality=90)
    for percent in (10, 50, 95):
        bad(f"cut{percent}.jpg", whole[: len(whole) * percent // 100], "damaged")
    bad("cutprogressive.jpg", progressive[: len(progressive) * 7 // 10], "damaged")
    bad("noframe.jpg", whole[:4] + whole[-2:], "damaged")
    bad("height0.jpg", patched(whole, b"\xff\xc0", 5, b"\0\0"), "damaged")
    bad("bits12.jpg", patched(whole, b"\xff\xc0", 4, b"\x0c"), "unsupported")
    bad("lossless.jpg", patched(whole, b"\xff\xc0", 1, b"\xc3"), "unsupported")
    bad("huge.jpg", patched(whole, b"\xff\xc0", 5, b"\xff\xdc\xff\xdc"), "too_many_pixels")
    # Scans of a progressive file, repeated: cheap to send, dear to decode.
    small = saved(scene(8, 8), "JPEG", progressive=True)
    start = small.index(b"\xff\xda")
    end = small.index(b"\xff\xc4", start)
    bad("scans.jpg", small[:start] + small[start:end] * 600 + small[end:], "damaged")


def pngs():
    image = scene(37, 29)
    gray = image.convert("L")
    good("rgb.png", saved(image, "PNG"))
    good("gray.png", saved(gray, "PNG"))
    good("bits1.png", saved(gray.convert("1"), "PNG"))
    good("palette.png", saved(image.quantize(200), "PNG"))
    good("palette4.png", saved(image.quantize(11), "PNG"))
    alpha = image.copy()
    alpha.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 37).astype(np.uint8), (29, 1))))
    good("rgba.png", saved(alpha, "PNG"))
    good("grayalpha.png", saved(alpha.convert("LA"), "PNG"))
    good("palettetransparent.png", saved(image.quantize(60), "PNG", transparency=bytes(range(0, 240, 4))))
    good("key.png", saved(image, "PNG", transparency=(250, 20, 60)))
    good("interlaced.png", interlaced(image))
    good("turned.png", saved(image, "PNG", exif=exif(6)))
    deep = random.integers(0, 65536, (5, 7, 3), dtype=np.uint16).astype(">u2")
    good("rgb16.png", png(7, 5, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep)))
    good("gray16.png", png(7, 5, 16, 0, b"".join(b"\0" + row.tobytes() for row in deep[:, :, 0])))
    whole = saved(image, "PNG")
    bad("cut50.png", whole[: len(whole) // 2], "damaged")
    bad("cutend.png", whole[:-12], "damaged")
    bad("checksum.png", whole[:-17] + bytes([whole[-17] ^ 1]) + whole[-16:], "damaged")
    bad("signature.png", whole[:8], "damaged")
    bad("short.png", png(7, 5, 8, 2, b"\0" * 40), "damaged")
    bad("huge.png", png(65535, 65535, 8, 2, b"\0" * 100), "too_many_pixels")
    bad("long.png", png(70000, 1, 8, 0, b"\0" * 70001), "too_many_pixels")


def riff(kind, data):
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def small_frame(picture, width, height):
    """An animation of one frame at (8, 4) of a canvas of 40x20."""

    def three(number):
        return struct.pack("<I", number)[:3]

    frame = three(8 // 2) + three(4 // 2) + three(width - 1) + three(height - 1) + three(100) + b"\0" + picture
    canvas = riff(b"VP8X", b"\x12\0\0\0" + three(40 - 1) + three(20 - 1))
    body = b"WEBP" + canvas + riff(b"ANIM", bytes(6)) + riff(b"ANMF", frame)
    return riff(b"RIFF", body)


def webps():
    image = scene(45, 31)
    good("lossless.webp", saved(image, "WEBP", lossless=True))
    good("lossy.webp", saved(image, "WEBP", quality=80))
    alpha = image.copy()
    alpha.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 45).astype(np.uint8), (31, 1))))
    good("alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True))
    good("alphalossy.webp", saved(alpha, "WEBP", quality=80))
    good("turned.webp", saved(image, "WEBP", lossless=True, exif=exif(8, ">")))
    frames = [scene(40, 30) for _ in range(3)]
    good("animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    good("corner.webp", small_frame(saved(scene(16, 10), "WEBP", lossless=True)[12:], 16, 10))
    whole = saved(image, "WEBP", quality=80)
    bad("cut60.webp", whole[: len(whole) * 6 // 10], "damaged")
    bad("header.webp", whole[:12], "damaged")


def gifs():
    image = scene(50, 34)
    good("plain.gif", saved(image.quantize(100), "GIF"))
    good("interlaced.gif", saved(image.quantize(16), "GIF", interlace=1))
    good("transparent.gif", saved(image.quantize(32), "GIF", transparency=3))
    frames = [scene(32, 20).quantize(64) for _ in range(3)]
    good("animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    whole = saved(image.quantize(100), "GIF")
    bad("cut60.gif", whole[: len(whole) * 6 // 10], "damaged")
    bad("header.gif", whole[:8], "damaged")
    bad("noframe.gif", whole[:13] + whole[13 : 13 + 3 * 128] + b";", "damaged")
    pixels = [[4, 1, 2], [4, 2, 1], [4, 3, 3], [4, 0, 1], [4, 1, 1, 5]]
    good("outside.gif", gif((4, 3), (2, 1, 5, 2), sum(pixels, [])))
    bad("code.gif", gif((5, 2), (0, 0, 5, 2), [4, 1, 7, 2, 3, 1, 1, 5]), "damaged")
    bad("huge.gif", whole[:6] + b"\xff\xff\xff\xff" + whole[10:], "too_many_pixels")


def gif(canvas, frame, codes):
    """Four colours, at (x, y) of the canvas; the codes are of 3 bits each, pixels between clear codes 4 and an end code 5."""
    bits = sum(code << 3 * place for place, code in enumerate(codes))
    data = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x81, 0, 0) + bytes((0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255))
    return head + b"," + struct.pack("<HHHHB", *frame, 0) + bytes((2, len(data))) + data + b"\0;"


def others():
    bad("empty", b"", "not_an_image")
    bad("page.jpg", b"<!DOCTYPE html><title>404</title>", "not_an_image")
    bad("picture.bmp", saved(scene(3, 3), "BMP"), "not_an_image")
    bad("picture.tiff", saved(scene(3, 3), "TIFF"), "not_an_image")
    good("png-named.jpg", saved(scene(9, 7), "PNG"))


def resize(kind, seed, source, result):
    resized_pixels.extend(result.tobytes())
    resized.append((kind, seed, *source.size, *result.size))


def resizes():
    """The sources are noise, which the test makes again."""
    shapes = [(64, 48), (130, 80), (17, 91), (33, 5), (257, 3), (3, 257), (1, 1), (100, 77), (1, 40), (50, 40), (40, 50)]
    for seed, (width, height) in enumerate(shapes):
        image = Image.frombytes("RGB", (width, height), noise(seed, width * height * 3))
        for target in ((24, 24), (40, 31), (71, 60), (width, 20), (20, height)):
            resize("bicubic", seed, image, image.resize(target, Image.BICUBIC))
            if target[0] <= width and target[1] <= height:
                resize("hamming", seed, image, image.resize(target, Image.HAMMING))
        if min(width, height) > 3:
            side, shorter = 28, min(width, height)
            whole = image.resize((side * width // shorter, side * height // shorter), Image.BICUBIC)
            left, top = ((length - side) // 2 for length in whole.size)  # as transformers has it
            resize("clip", seed, image, whole.crop((left, top, left + side, top + side)))
    # The source is what libjpeg makes of a picture at 1/2, 1/4 or 1/8, which covers the last pixels only in part; where
    # it is turned by half, the first ones.
    for seed, (width, height) in enumerate([(64, 48), (17, 91), (100, 77), (24, 24)]):
        image = Image.frombytes("RGB", (width, height), noise(seed, width * height * 3))
        for denominator in (2, 4, 8):
            seen = (width - 1 + 1 / denominator, height - 1 / denominator)
            box = (0, 0, *seen)
            resize(f"part{denominator}", seed, image, image.resize((15, 13), Image.HAMMING, box=box))
            resize(f"part{denominator}", seed, image, image.resize((width, height), Image.HAMMING, box=box))
            box = (width - seen[0], height - seen[1], width, height)
            resize(f"turned{denominator}", seed, image, image.resize((15, 13), Image.HAMMING, box=box))


def hashes():
    """The sources are noise again; the steps are those of imagehash.phash, on the picture that the bicubic kernel gives."""
    positions, frequencies = np.arange(32), np.arange(8)
    cosines = np.cos(np.pi * frequencies[:, None] * (2 * positions + 1) / 64)
    for seed, (width, height) in enumerate([(64, 48), (100, 77), (32, 32), (17, 91), (384, 512), (1, 1)]):
        image = Image.frombytes("RGB", (width, height), noise(seed, width * height * 3))
        grey = np.asarray(image.resize((32, 32), Image.BICUBIC), np.float64) @ [0.299, 0.587, 0.114]
        frequency = np.round(cosines @ grey @ cosines.T, 6)  # of one colour, all but the first are 0
        bits = (frequency > np.median(frequency)).flatten()
        yield seed, width, height, f"{int(''.join('01'[bit] for bit in bits.astype(int)), 2):016x}"


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


def table(name, rows):
    write(name, "".join("\t".join(map(str, row)) + "\n" for row in rows).encode())


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for old in os.listdir(HERE):
        os.remove(os.path.join(HERE, old))
    for make in (jpegs, pngs, webps, gifs, others, resizes):
        make()
    table("decode.tsv", decoded)
    table("resize.tsv", resized)
    table("hashes.tsv", hashes())
    write("decode.rgb", decoded_pixels)
    write("resize.rgb", resized_pixels)
