"""Curves over time as an SVG, one panel above the other."""

COLOURS = ("#1f77b4", "#d62728")
WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 860, 340, 64, 20, 44, 24


def draw(path, *panels):
    """A panel is a unit, the names of one or two curves, and samples: seconds and as many values."""
    height = HEIGHT * len(panels)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>']
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate(0 {HEIGHT * number})">', *curves(*panel), "</g>"]
    with open(path, "w") as file:
        file.write("\n".join(parts + ["</svg>"]) + "\n")


def curves(unit, names, samples):
    seconds = max(samples[-1][0], 1)
    most = max(max(values) for _, *values in samples)
    step = next(n * 10 ** power for power in range(12) for n in (1, 2, 5) if most / (n * 10 ** power) <= 8)
    ceiling = (int(most / step) + 1) * step

    def x(t): return LEFT + (WIDTH - LEFT - RIGHT) * t / seconds
    def y(value): return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / ceiling
    for value in range(0, ceiling + 1, step):
        yield (f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
               f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value} {unit}</text>')
    for part in range(6):
        t = seconds * part / 5
        yield f'<text x="{x(t):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{t:.0f} s</text>'
    for index, (name, colour) in enumerate(zip(names, COLOURS)):
        points = " ".join(f"{x(sample[0]):.1f},{y(sample[index + 1]):.1f}" for sample in samples)
        yield (f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
               f'<text x="{LEFT + 12 + 200 * index}" y="{TOP - 8}" fill="{colour}">{name}</text>')
