"""A histogram of who would gain and lose: as bars of text, and as a small SVG file."""

from collections.abc import Sequence
from html import escape
from typing import Final

from worker.commands.loyalty_tally import Bin

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FULL: Final = "█"
# Blue and orange are told apart by everybody; grey is no difference.
_GAIN: Final = "#2166ac"
_LOSS: Final = "#d6604d"
_SAME: Final = "#878787"
_INK: Final = "#222222"
_ROW: Final = 24
_TOP: Final = 76
_LABELS: Final = 190
_BARS: Final = 420
_WIDE: Final = 720


def bars(bins: Sequence[Bin], width: int) -> list[tuple[str, str, int]]:
    """Give (label, bar, accounts) of each bin; nobody who is there goes without a bar."""
    most = max((one.accounts for one in bins), default=0)
    return [(one.label, _bar(one.accounts, most, width), one.accounts) for one in bins]


def _bar(number: int, most: int, width: int) -> str:
    if not number:
        return ""
    eighths = max(1, round(number / most * width * 8))
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def svg(bins: Sequence[Bin], title: str, subtitle: str) -> str:
    """Draw the histogram."""
    most = max((one.accounts for one in bins), default=1)
    height = _TOP + _ROW * len(bins) + 20
    size = f'viewBox="0 0 {_WIDE} {height}" width="{_WIDE}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}: {escape(subtitle)}</title>",
        f'<rect width="{_WIDE}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="17" font-weight="bold" fill="{_INK}">{escape(title)}</text>',
        f'<text x="16" y="50" fill="{_INK}">{escape(subtitle)}</text>',
    ]
    for number, one in enumerate(bins):
        top = _TOP + number * _ROW
        long = max(1.0, one.accounts / most * _BARS) if one.accounts else 0.0
        colour = _GAIN if one.first > 0 else _LOSS if one.last < 0 else _SAME
        parts += [
            f'<text x="{_LABELS - 10}" y="{top + 16}" text-anchor="end" fill="{_INK}">{escape(one.label)}</text>',
            f'<rect x="{_LABELS}" y="{top + 3}" width="{long:.1f}" height="{_ROW - 6}" fill="{colour}"/>',
            f'<text x="{_LABELS + long + 8:.1f}" y="{top + 16}" fill="{_INK}">{one.accounts}</text>',
        ]
    bottom = _TOP + _ROW * len(bins)
    axis = f'<line x1="{_LABELS}" y1="{_TOP - 4}" x2="{_LABELS}" y2="{bottom + 4}" stroke="{_INK}"/>'
    return "\n".join([*parts, axis, "</svg>", ""])
