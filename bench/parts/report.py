"""Each figure beside its limit, for people and as JSON."""

import datetime
import json

from . import machine


class Report:
    """Figures in the order in which they were measured; printed as they come."""

    def __init__(self, revision):
        self.figures = []
        self.missing = []
        self.head = {
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "revision": revision,
            "machine": machine.shape(),
        }

    def section(self, name):
        print(f"\n{name}", flush=True)

    def add(self, name, value, unit, *, limit=None, target=None, at_most=False, **detail):
        """`limit` is `(what, value)`; the target holds for the ratio when there is a limit, else for the value."""
        ratio = value / limit[1] if limit else None
        judged = value if ratio is None else ratio
        figure = {"name": name, "value": value, "unit": unit}
        if limit:
            figure |= {"limit": limit[0], "limit_value": limit[1], "ratio": ratio}
        if target is not None:
            figure |= {"target": target, "reached": judged <= target if at_most else judged >= target}
        self.figures.append(figure | {"detail": detail})
        print(self._line(figure, at_most), flush=True)
        if detail:
            print("      " + "  ".join(f"{key} {value}" for key, value in detail.items()), flush=True)

    def fail(self, section, reason):
        """A section that could not be measured."""
        self.missing.append({"section": section, "reason": str(reason)})
        print(f"  not measured: {reason}", flush=True)

    @staticmethod
    def _line(figure, at_most):
        line = f"  {figure['name']:<46} {number(figure['value']):>9} {figure['unit']:<5}"
        if "ratio" in figure:
            line += f" {100 * figure['ratio']:>6.1f} % of {number(figure['limit_value'])} ({figure['limit']})"
        if "target" in figure:
            bound = f"{100 * figure['target']:.0f} %" if "ratio" in figure else number(figure["target"])
            line += f"  [target {'≤' if at_most else '≥'} {bound}: {'reached' if figure['reached'] else 'not reached'}]"
        return line

    def write(self, path):
        path.write_text(json.dumps(self.head | {"figures": self.figures, "not_measured": self.missing}, indent=2) + "\n")
        print(f"\nwritten to {path}")


def number(value):
    """Three significant digits, without exponent."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"
