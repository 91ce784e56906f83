"""The plots of bench/scaling.py as one self-contained SVG, readable on light and dark pages."""

import math
from xml.sax.saxutils import escape

import fits

PANEL, GAP, LEFT, TOP = (205, 150), (62, 74), 62, 64
STYLE = """
 text { font: 11px sans-serif; fill: #333 } .title { font-weight: bold; font-size: 12px } .axis { stroke: #888; stroke-width: 1; fill: none }
 .grid { stroke: #ddd; stroke-width: 1 } .line { fill: none; stroke-width: 1.6 } .fit { fill: none; stroke-width: 1; stroke-dasharray: 4 3 }
 .c0 { stroke: #1f6fb4; fill: #1f6fb4 } .c1 { stroke: #c8501e; fill: #c8501e } .c2 { stroke: #2a8a4a; fill: #2a8a4a } .c3 { stroke: #8a4fa8; fill: #8a4fa8 }
 .line, .fit { fill: none }
 @media (prefers-color-scheme: dark) {
  text { fill: #ddd } .axis { stroke: #999 } .grid { stroke: #444 }
  .c0 { stroke: #6db3ee; fill: #6db3ee } .c1 { stroke: #f0905f; fill: #f0905f } .c2 { stroke: #6ccb8a; fill: #6ccb8a } .c3 { stroke: #c79be0; fill: #c79be0 }
  .line, .fit { fill: none }
 }
"""
TITLES = {"batch": ("tokens in the batch", 1), "length": ("tokens a text", 1), "layers": ("million weights", 1e6),
          "width": ("width D", 1)}


def ticks(largest):
    """Round steps from 0 to at least `largest`, three to five of them."""
    power = 10 ** math.floor(math.log10(largest / 5))
    step = next(part * power for part in (1, 2, 2.5, 5, 10) if part * power * 5 >= largest * (1 - 1e-9))
    return [step * i for i in range(math.ceil(largest / step * (1 - 1e-9)) + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


class Panel:
    """Axes with labels, then points and lines. `doublings`: the x axis has equal distances for equal ratios, and these ticks."""

    def __init__(self, column, row, largest, title, x_label, y_label, doublings=None):
        self.x0, self.y0 = LEFT + column * (PANEL[0] + GAP[0]), TOP + row * (PANEL[1] + GAP[1])
        self.doublings = doublings
        self.x_ticks, self.y_ticks = doublings or ticks(largest[0]), ticks(largest[1])
        self.parts = [f'<text class="title" x="{self.x0}" y="{self.y0 - 10}">{escape(title)}</text>']
        for tick in self.y_ticks:
            y = self.y(tick)
            self.parts.append(f'<line class="grid" x1="{self.x0}" y1="{y:.1f}" x2="{self.x0 + PANEL[0]}" y2="{y:.1f}"/>')
            self.parts.append(f'<text x="{self.x0 - 5}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        for tick in self.x_ticks:
            self.parts.append(f'<text x="{self.x(tick):.1f}" y="{self.y0 + PANEL[1] + 15}" text-anchor="middle">{number(tick)}</text>')
        self.parts.append(f'<path class="axis" d="M{self.x0},{self.y0} V{self.y0 + PANEL[1]} H{self.x0 + PANEL[0]}"/>')
        self.parts.append(f'<text x="{self.x0 + PANEL[0] / 2}" y="{self.y0 + PANEL[1] + 31}" text-anchor="middle">{escape(x_label)}</text>')
        middle = self.y0 + PANEL[1] / 2
        self.parts.append(f'<text x="{self.x0 - 44}" y="{middle}" text-anchor="middle" transform="rotate(-90 {self.x0 - 44} {middle})">{escape(y_label)}</text>')

    def x(self, value):
        if self.doublings:
            low, high = math.log(self.doublings[0]), math.log(self.doublings[-1])
            return self.x0 + 12 + (PANEL[0] - 24) * (math.log(value) - low) / (high - low)
        return self.x0 + PANEL[0] * value / self.x_ticks[-1]

    def y(self, value):
        return self.y0 + PANEL[1] * (1 - value / self.y_ticks[-1])

    def add(self, xs, ys, colour, css):
        points = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys))
        self.parts.append(f'<polyline class="{css} {colour}" points="{points}"/>')

    def dots(self, xs, ys, colour):
        self.parts += [f'<circle class="{colour}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="2.6"/>' for x, y in zip(xs, ys)]


def draw(all_series, found, size_of):
    """`all_series`: [(name, points)]; `found`: their fits. One column an axis: time a token (a weight), and memory."""
    axes = list(dict.fromkeys(name["axis"] for name, _ in all_series))
    lines = sorted({(name["what"], name["compute"]) for name, _ in all_series}, reverse=True)
    colours = {line: f"c{i % 4}" for i, line in enumerate(lines)}
    width, height = LEFT + len(axes) * (PANEL[0] + GAP[0]), TOP + 2 * (PANEL[1] + GAP[1])
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
           "<title>Cost of training steps and of encoding against size</title>", f"<style>{STYLE}</style>"]
    for i, line in enumerate(lines):
        x = LEFT + 150 * i
        svg.append(f'<circle class="{colours[line]}" cx="{x}" cy="18" r="4"/><text x="{x + 9}" y="22">{line[0]}, {line[1]}</text>')
    svg.append(f'<text x="{LEFT + 150 * len(lines)}" y="22">dots: measured; dashes: fit; a flat upper line is linear cost</text>')
    for column, axis in enumerate(axes):
        here = [(name, points) for name, points in all_series if name["axis"] == axis]
        label, unit = TITLES[axis]
        per_weight = axis in ("layers", "width")
        # Microseconds a token; where the weights grow, microseconds a token and million weights: picoseconds a weight.
        cost = lambda p, t: 1e6 * t / p["tokens"] / (p["weights"] / 1e6 if per_weight else 1)
        xs = sorted({size_of(p) / unit for _, points in here for p in points})
        costs = [cost(p, p["seconds"]) for _, points in here for p in points]
        peaks = [p["peak_rss_bytes"] / 1e6 for _, points in here for p in points]
        time = Panel(column, 0, (xs[-1], max(costs)), f"time against {axis}", label, "ps a token and weight" if per_weight else "µs a token", xs)
        memory = Panel(column, 1, (xs[-1], max(peaks)), f"memory against {axis}", label, "peak MB")
        for name, points in here:
            colour = colours[name["what"], name["compute"]]
            x = [size_of(p) / unit for p in points]
            time.dots(x, [cost(p, p["seconds"]) for p in points], colour)
            memory.dots(x, [p["peak_rss_bytes"] / 1e6 for p in points], colour)
            fit = next((f for f in found if all(f[k] == name[k] for k in name)), None)
            if fit is None:
                continue
            # The time's fit between points too: with a constant, time a token is a hyperbola. Tokens and weights in proportion.
            steps = [points[0]["size"] * (points[-1]["size"] / points[0]["size"]) ** (k / 40) for k in range(41)]
            samples = []
            for size in steps:
                p = dict(points[0])
                ratio = size / points[0]["size"]
                if per_weight:
                    p["weights"] *= ratio ** (2 if axis == "width" else 1)
                else:
                    p["tokens"] *= ratio
                p["length"] = size if axis == "length" else p["length"]
                p["width"] = size if axis == "width" else p["width"]
                samples.append((size_of(p), cost(p, fits.value(fit["time"]["coefficients"], size_of(p)))))
            time.add([s / unit for s, _ in samples], [c for _, c in samples], colour, "fit")
            memory.add([s / unit for s, _ in samples], [fits.value(fit["memory"]["coefficients"], s) / 1e6 for s, _ in samples], colour, "fit")
        svg += time.parts + memory.parts
    return "\n".join(svg) + "\n</svg>\n"
