"""Pictures of a report as SVG, written by hand: shares with their intervals, and stated against true probability."""

from collections.abc import Sequence
from html import escape

from pydantic import BaseModel

from evals.score.intervals import Share

_COLOURS = ("#1f5fa8", "#c2571a", "#2e7d4f", "#7a4aa0", "#8a6d00")
_LEFT, _TOP, _BOTTOM = 56, 18, 96
_HEIGHT = 320
_TURN_FROM = 9
"""From that many columns on names are turned, or they would overlap."""


class Series(BaseModel):
    """One line of a picture: a share for each column, or none."""

    name: str
    shares: list[Share | None]


def columns_plot(title: str, columns: Sequence[str], series: Sequence[Series]) -> str:
    """Draw shares with their intervals, a column for each name, the number of tickets below it."""
    step = max(26, min(90, 900 // max(len(columns), 1)))
    width = _LEFT + step * len(columns) + 20
    parts = [_frame(width), _title(title), *_grid(width)]
    for at, name in enumerate(columns):
        parts.append(_column_name(_LEFT + step * (at + 0.5), name, len(columns) >= _TURN_FROM))
    for number, one in enumerate(series):
        shift = (number - (len(series) - 1) / 2) * min(10, step / (len(series) + 1))
        parts += _points(one, _COLOURS[number % len(_COLOURS)], step, shift)
    return "".join([*parts, *_legend([one.name for one in series], width), "</svg>"])


def reliability_plot(title: str, series: Sequence[tuple[str, Sequence[tuple[float, Share]]]]) -> str:
    """Draw for each arm how often it was right against how sure it said it was; the diagonal is perfect."""
    size = _HEIGHT - _TOP - _BOTTOM
    width = _LEFT + size + 180
    parts = [_frame(width), _title(title), *_grid(_LEFT + size + 10)]
    parts.append(f'<line class="ideal" x1="{_LEFT}" y1="{_y(0):.1f}" x2="{_LEFT + size}" y2="{_y(1):.1f}"/>')
    for at in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_text(_LEFT + at * size, _y(0) + 16, f"{at:.0%}", "middle"))
    parts.append(_text(_LEFT + size / 2, _y(0) + 34, "stated probability", "middle"))
    for number, (_, points) in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        for stated, found in points:
            parts += _point(_LEFT + stated * size, found, colour)
    return "".join([*parts, *_legend([name for name, _ in series], width), "</svg>"])


def _points(one: Series, colour: str, step: float, shift: float) -> list[str]:
    parts, places = [], []
    for at, found in enumerate(one.shares):
        if found is not None and found.value is not None:
            x = _LEFT + step * (at + 0.5) + shift
            places.append(f"{x:.1f},{_y(found.value):.1f}")
            parts += _point(x, found, colour)
    return [f'<polyline fill="none" stroke="{colour}" stroke-opacity=".35" points="{" ".join(places)}"/>', *parts]


def _point(x: float, found: Share, colour: str) -> list[str]:
    if found.value is None:
        return []
    said = f"{found.value:.1%} of {found.of} ({found.low:.1%} to {found.high:.1%})"
    low, high, middle = _y(found.low), _y(found.high), _y(found.value)
    return [
        f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-width="1.5"/>',
        f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="4" fill="{colour}"><title>{escape(said)}</title></circle>',
    ]


def _frame(width: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} {_HEIGHT}" '
        f'width="{width:.0f}" height="{_HEIGHT}" font-family="system-ui, sans-serif" font-size="11">'
        "<style>.grid{stroke:#8884}.ideal{stroke:#888;stroke-dasharray:4 4}text{fill:currentColor}</style>"
    )


def _title(title: str) -> str:
    return f"<title>{escape(title)}</title>"


def _grid(right: float) -> list[str]:
    parts = []
    for at in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{_y(at):.1f}" x2="{right:.0f}" y2="{_y(at):.1f}"/>')
        parts.append(_text(_LEFT - 6, _y(at) + 4, f"{at:.0%}", "end"))
    return parts


def _column_name(x: float, name: str, turned: bool) -> str:
    if not turned:
        return _text(x, _y(0) + 16, name, "middle")
    return (
        f'<text x="{x:.1f}" y="{_y(0) + 12:.1f}" text-anchor="end" '
        f'transform="rotate(-50 {x:.1f} {_y(0) + 12:.1f})">{escape(name)}</text>'
    )


def _legend(names: Sequence[str], width: float) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        x, y = width - 168, _TOP + 4 + 16 * number
        parts.append(f'<circle cx="{x:.0f}" cy="{y}" r="4" fill="{_COLOURS[number % len(_COLOURS)]}"/>')
        parts.append(_text(x + 8, y + 4, name, "start"))
    return parts if len(names) > 1 else []


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _y(value: float) -> float:
    return _TOP + (1 - value) * (_HEIGHT - _TOP - _BOTTOM)
