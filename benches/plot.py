#!/usr/bin/env python3
"""Draws docs/growth.svg from docs/growth.csv: plot.py CSV >SVG

Two panels, CPU seconds and peak memory against the number of documents, both axes logarithmic. The colours are read
on a light and on a dark page; where the page says which it is, text and grid follow.
"""

import csv
import math
import sys

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 240, 70, 50, 100
SERIES = {"cold": ("#d97706", "circle"), "unchanged": ("#3b82f6", "square")}
STYLE = """
text { font: 13px sans-serif; fill: #333 } .title { font-weight: bold } .grid { stroke: #8886; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def decades(values):
    """The powers of ten around the values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def plain(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def panel(left, title, unit, rows, column):
    """Grid, labels and lines of one panel."""
    x_from, x_to = decades([row["documents"] for row in rows])
    y_from, y_to = decades([row[column] for row in rows])

    def x_of(value):
        return left + WIDTH * (math.log10(value) - x_from) / max(x_to - x_from, 1)

    def y_of(value):
        return TOP + HEIGHT * (1 - (math.log10(value) - y_from) / max(y_to - y_from, 1))

    yield f'<text class="title" x="{left}" y="{TOP - 20}">{title}</text>'
    for power in range(x_from, x_to + 1):
        x = x_of(10**power)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{TOP + HEIGHT}"/>'
        yield f'<text text-anchor="middle" x="{x:.1f}" y="{TOP + HEIGHT + 20}">{plain(10**power)}</text>'
    for power in range(y_from, y_to + 1):
        y = y_of(10.0**power)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + WIDTH}" y2="{y:.1f}"/>'
        yield f'<text text-anchor="end" x="{left - 8}" y="{y + 4:.1f}">{plain(10.0**power)}{unit}</text>'
    yield f'<text text-anchor="middle" x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 42}">documents</text>'
    for case, (colour, shape) in SERIES.items():
        points = [(x_of(row["documents"]), y_of(row[column])) for row in rows if row["case"] == case]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (mark(x, y, colour, shape) for x, y in points)


def mark(x, y, colour, shape):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'


def main(path):
    with open(path, encoding="utf-8") as text:
        rows = [
            {"case": row["case"], **{key: float(row[key]) for key in ("documents", "cpu_seconds", "peak_mib")}}
            for row in csv.DictReader(text)
        ]
    width, height = LEFT + 2 * WIDTH + GAP + 40, TOP + HEIGHT + 90
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">')
    print("<title>CPU seconds and peak memory of a run against the number of documents</title>")
    print(f"<style>{STYLE}</style>")
    print(*panel(LEFT, "CPU", " s", rows, "cpu_seconds"), sep="\n")
    print(*panel(LEFT + WIDTH + GAP, "Peak memory", " MiB", rows, "peak_mib"), sep="\n")
    for at, (case, (colour, shape)) in enumerate(SERIES.items()):
        x, y = LEFT + 120 * at, height - 14
        print(mark(x + 4, y - 4, colour, shape), f'<text x="{x + 14}" y="{y}">{case}</text>', sep="\n")
    print("</svg>")


main(sys.argv[1])
