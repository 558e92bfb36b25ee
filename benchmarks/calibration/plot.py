"""The figure: for each measure its cumulative distribution over shipments, one line for each table."""

from collections.abc import Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.distances import quantiles
from benchmarks.calibration.measures import MEASURES, Measure
from benchmarks.calibration.page import figure
from benchmarks.calibration.tables import Table

__all__ = ["plot"]

COLOURS = ("#0b62a3", "#c2410c", "#15803d", "#7e22ce")
COLUMNS, PANEL_WIDTH, PANEL_HEIGHT, TOP = 2, 360, 190, 40
LEFT, WIDTH, ABOVE, HEIGHT = 40, 300, 28, 120
STEPS = 200


def plot(tables: Sequence[Table]) -> str:
    """Return the figure as SVG."""
    width, height = COLUMNS * PANEL_WIDTH, TOP + -(-len(MEASURES) // COLUMNS) * PANEL_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
    ]
    lines.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for number, (table, colour) in enumerate(zip(tables, COLOURS, strict=True)):
        lines.append(f'<path d="M{LEFT + 120 * number} 20h24" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{LEFT + 30 + 120 * number}" y="24" fill="{colour}">{table.name}</text>')
    for number, measure in enumerate(MEASURES):
        left, top = number % COLUMNS * PANEL_WIDTH, TOP + number // COLUMNS * PANEL_HEIGHT
        lines += [f'<g transform="translate({left} {top})">', *_panel(measure, tables), "</g>"]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(measure: Measure, tables: Sequence[Table]) -> list[str]:
    samples = [measure.values(table.shipments) for table in tables]
    ends = [quantiles(values, (0.02, 0.98)) for values in samples if len(values)]
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    if measure.logarithmic:
        low = min(float(values[values > 0].min()) for values in samples if len(values)) if low <= 0 else low
    lines = [f'<text x="{LEFT}" y="18" font-weight="bold">{measure.name}</text>']
    for percent in (0, 50, 100):
        y = ABOVE + HEIGHT * (100 - percent) / 100
        lines.append(f'<path d="M{LEFT} {y:g}h{WIDTH}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 4}" y="{y + 4:g}" text-anchor="end">{percent} %</text>')
    for values, colour in zip(samples, COLOURS, strict=True):
        if len(values):
            lines.append(f'<path fill="none" stroke="{colour}" stroke-width="2" d="{_line(measure, values, low, high)}"/>')
    for place, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        value = low * (high / low) ** place if measure.logarithmic else low + place * (high - low)
        y = ABOVE + HEIGHT + 16
        lines.append(f'<text x="{LEFT + place * WIDTH:g}" y="{y}" text-anchor="{anchor}">{figure(value)}</text>')
    return lines


def _line(measure: Measure, values: NDArray[np.float64], low: float, high: float) -> str:
    """Return a path of steps through the quantiles of a sample."""
    shares = [step / STEPS for step in range(STEPS + 1)]
    points = [
        (LEFT + WIDTH * _place(measure, value, low, high), ABOVE + HEIGHT * (1 - share))
        for share, value in zip(shares, quantiles(values, shares), strict=True)
    ]
    path, last = f"M{points[0][0]:.1f} {ABOVE + HEIGHT}", -1.0
    for x, y in points:
        if round(x, 1) != last:
            path += f"H{x:.1f}"
            last = round(x, 1)
        path += f"V{y:.1f}"
    return path


def _place(measure: Measure, value: float, low: float, high: float) -> float:
    """Return the position of a value between two others, from 0 to 1."""
    if high == low:
        return 0.5
    kept = min(max(value, low), high)
    return log10(kept / low) / log10(high / low) if measure.logarithmic else (kept - low) / (high - low)
