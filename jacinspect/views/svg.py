"""A Jacobian as an SVG image, sharp at any size: its magnitudes, signs, blocks and axes. A pure function."""

from collections.abc import Iterator
from html import escape

from jacinspect.inspection.report import Report
from jacinspect.views.picture import FAINTEST, MINUS, PLUS, RULE, WRONG, Mark, Picture, picture

__all__ = ["render"]

_SIDE = 480  # of the longer side of the matrix, in pixels of a screen
_NARROWEST = 120  # of the shorter side: a matrix of one row can still be seen
_LEFT, _TOP, _RIGHT, _BOTTOM = 96, 92, 32, 64  # margins for the labels, the titles and the scale
_TITLE = 330  # what the titles and the scale need
_LETTER = 0.62  # of the font's size: the width of a digit, and what it may take of a cell
_INK, _QUIET = "#1c2126", "#62686e"


def render(report: Report, form: str = "vec") -> bytes:
    """Draw the Jacobian in one of `choices.Form`; the vec order and the layout are the report's.

    Raises
    ------
    InputError
        As `picture.picture`.
    """
    drawn = picture(report, form)
    rows, columns = (max(length, 1) for length in drawn.shape)
    scale = _SIDE / max(rows, columns)
    height, width = (max(length * scale, _NARROWEST) for length in (rows, columns))
    whole = max(width, _TITLE) + _LEFT + _RIGHT, height + _TOP + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole[0]:g}" height="{whole[1]:g}" '
        f'viewBox="0 0 {whole[0]:g} {whole[1]:g}" role="img" '
        'font-family="system-ui, DejaVu Sans, sans-serif" font-size="12">',
        f"<title>{escape(f'{drawn.title}: {drawn.subtitle}')}</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        _text(_LEFT, 28, drawn.title, f'font-size="16" font-weight="600" fill="{_INK}"'),
        _text(_LEFT, 46, drawn.subtitle, f'fill="{_QUIET}"'),
        f'<g transform="translate({_LEFT} {_TOP})">',
        *_matrix(drawn, height / rows, width / columns),
        *_axes(drawn, height / rows, width / columns),
        *_scale(drawn, height + 28),
        "</g>",
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode(errors="backslashreplace")


def _matrix(drawn: Picture, tall: float, wide: float) -> Iterator[str]:
    rows, columns = drawn.shape
    height, width = max(rows, 1) * tall, max(columns, 1) * wide
    for mark in drawn.marks:
        yield _rectangle(mark, drawn, tall, wide)
    for at in drawn.row_lines:
        yield f'<path d="M0 {at * tall:g}H{width:g}" stroke="{RULE}"/>'
    for at in drawn.column_lines:
        yield f'<path d="M{at * wide:g} 0V{height:g}" stroke="{RULE}"/>'
    longest = max((len(mark.text) for mark in drawn.marks), default=0)
    size = min(12.0, wide / (_LETTER * longest + 0.6), 0.7 * tall)
    for mark in drawn.marks:
        if mark.text:
            place = (mark.column + 0.5) * wide, (mark.row + 0.5) * tall + 0.35 * size
            yield _text(*place, mark.text, f'text-anchor="middle" font-size="{size:.3g}" fill="{_INK}"')
    for left, end in ((0.0, 6), (width, -6)):  # the brackets
        bracket = f"M{left + end:g} 0H{left:g}V{height:g}H{left + end:g}"
        yield f'<path d="{bracket}" fill="none" stroke="{_INK}" stroke-width="1.5"/>'


def _rectangle(mark: Mark, drawn: Picture, tall: float, wide: float) -> str:
    """Draw an entry or a tile, cut off at the matrix's edge, and never too small to be seen."""
    high = max(min(mark.height, drawn.shape[0] - mark.row) * tall, 1)
    broad = max(min(mark.width, drawn.shape[1] - mark.column) * wide, 1)
    opacity = max(abs(mark.strength) ** 0.5, FAINTEST) * (0.6 if mark.text else 1)
    colour = PLUS if mark.strength >= 0 else MINUS
    stroke = f' stroke="{WRONG}" stroke-width="{min(2.0, 0.2 * max(tall, 5.0)):g}"' if mark.wrong else ""
    place = f'x="{mark.column * wide:.6g}" y="{mark.row * tall:.6g}" width="{broad:.4g}" height="{high:.4g}"'
    return f'<rect {place} fill="{colour}" fill-opacity="{opacity:.2g}"{stroke}/>'


def _axes(drawn: Picture, tall: float, wide: float) -> Iterator[str]:
    quiet = f'fill="{_QUIET}"'
    for row, label in drawn.row_labels:
        yield _text(-8, (row + 0.5) * tall + 4, label, f'{quiet} text-anchor="end"')
    for column, label in drawn.column_labels:
        yield _text((column + 0.5) * wide, -8, label, f'{quiet} text-anchor="middle"')
    yield _text(-8, -24, f"{drawn.row_title} ↓", f'fill="{_INK}" text-anchor="end"')
    yield _text(0, -24, f"{drawn.column_title} →", f'fill="{_INK}"')


def _scale(drawn: Picture, top: float) -> Iterator[str]:
    """Draw which colour stands for which number, and what a frame means."""
    if not drawn.largest:
        return
    words = [(MINUS, 1.0, f"-{drawn.largest}"), (PLUS, FAINTEST, "0"), (PLUS, 1.0, drawn.largest)]
    at = 0.0
    for colour, opacity, label in words:
        yield f'<rect x="{at:g}" y="{top:g}" width="14" height="14" fill="{colour}" fill-opacity="{opacity:g}"/>'
        yield _text(at + 20, top + 11, label, f'fill="{_QUIET}"')
        at += 36 + 8 * len(label)
    if any(mark.wrong for mark in drawn.marks):
        frame = f'width="12" height="12" fill="none" stroke="{WRONG}" stroke-width="2"'
        yield f'<rect x="{at + 1:g}" y="{top + 1:g}" {frame}/>'
        yield _text(at + 20, top + 11, "disagrees", f'fill="{WRONG}"')


def _text(x: float, y: float, said: str, style: str) -> str:
    return f'<text x="{x:.6g}" y="{y:.6g}" {style}>{escape(said)}</text>'
