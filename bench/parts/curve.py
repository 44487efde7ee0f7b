"""How long searches take as a service grows, drawn as SVG."""

import math
from html import escape

WIDTH, HEIGHT = 1140, 500
PANELS = (("p50", 2.0), ("p99", 10.0))
TOP, BOTTOM = 56, 64
LEFT, PANEL, GAP = 64, 340, 52
LEGEND = LEFT + 2 * PANEL + GAP + 32
# Told apart without colour by the marker as well (Okabe and Ito's colours).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#a05080", "#806000", "#303030", "#2f8fc4")
MARKERS = ("circle", "square", "diamond")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #222 } .axis { stroke: #777 } .grid { stroke: #ddd }
.target { stroke: #b00020; stroke-dasharray: 6 4 } .aim { fill: #b00020 } .title { font-weight: 600 }
polyline { fill: none; stroke-width: 2 }
"""


def picture(curves):
    """SVG of `{search: {patients: load}}`: a panel for each percentile, both scales logarithmic."""
    sizes = sorted({size for points in curves.values() for size in points})
    times = [getattr(load, name) for points in curves.values() for load in points.values() for name, _ in PANELS]
    times += [target for _, target in PANELS]
    scale = Scale(sizes, min(times), max(times))
    parts = [panel(scale, at, name, target, curves) for at, (name, target) in enumerate(PANELS)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{LABEL}">'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, legend(curves), "</svg>\n"])


LABEL = "Milliseconds of the first page of 20 by number of patients, one line for each kind of search"


class Scale:
    """Where a number of patients and a time lie in a panel."""

    def __init__(self, sizes, fastest, slowest):
        self.sizes = sizes
        self.low, self.high = math.log10(fastest) - 0.1, math.log10(slowest) + 0.1

    def x(self, panel, size):
        left = LEFT + panel * (PANEL + GAP)
        first, last = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        share = (math.log10(size) - first) / (last - first) if last > first else 0.5
        return round(left + 16 + share * (PANEL - 32), 1)

    def y(self, time):
        share = (math.log10(time) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def ticks(self):
        """1, 2 and 5 of each power of ten that is in sight."""
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        times = (step * 10.0**power for power in powers for step in (1, 2, 5))
        return [time for time in times if self.low <= math.log10(time) <= self.high]


def panel(scale, at, name, target, curves):
    left, right, floor = LEFT + at * (PANEL + GAP), LEFT + at * (PANEL + GAP) + PANEL, HEIGHT - BOTTOM
    parts = [f'<text class="title" x="{left}" y="{TOP - 24}">{name}, ms</text>']
    for time in scale.ticks():
        y = scale.y(time)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{time:g}</text>')
    for size in scale.sizes:
        x = scale.x(at, size)
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{floor}" y2="{floor + 5}"/>')
        parts.append(f'<text x="{x}" y="{floor + 22}" text-anchor="middle">{size:,}</text>'.replace(",", " "))
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{floor}" y2="{floor}"/>')
    parts.append(f'<text x="{(left + right) / 2}" y="{floor + 46}" text-anchor="middle">patients</text>')
    aim = scale.y(target)
    parts.append(f'<line class="target" x1="{left}" x2="{right}" y1="{aim}" y2="{aim}"/>')
    parts.append(f'<text class="aim" x="{left + 6}" y="{aim - 6}">target {target:g} ms</text>')
    for number, points in enumerate(curves.values()):
        places = [(scale.x(at, size), scale.y(getattr(load, name))) for size, load in sorted(points.items())]
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline stroke="{colour}" points="{line}"/>')
        parts += [mark(number, x, y) for x, y in places]
    return "\n".join(parts)


def legend(curves):
    lines = []
    for number, name in enumerate(curves):
        y = TOP + 12 + 26 * number
        lines.append(f"{mark(number, LEGEND, y - 4)}<text x='{LEGEND + 14}' y='{y}'>{escape(name)}</text>")
    return "\n".join(lines)


def mark(number, x, y):
    """The marker of a line: its shape changes when the colours begin anew."""
    colour, shape = COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS) % len(MARKERS)]
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x} {y})"' if shape == "diamond" else ""
    return f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8" fill="{colour}"{turn}/>'
