"""A sheet of A4 to write on with Inter: lines of text, blocks, rules. Letters that the font lacks never reach it."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fontTools.ttLib import TTFont
from fpdf import FPDF

FONTS = Path(__file__).with_name("fonts")
REGULAR, BOLD = "Inter-Regular.ttf", "Inter-SemiBold.ttf"

# Millimetres.
LEFT, RIGHT = 18.0, 192.0

INK, MUTED, LINE, ACCENT, WASH = (18, 34, 28), (92, 104, 99), (218, 225, 222), (0, 87, 62), (237, 246, 241)
Align = Literal["L", "R"]

logging.getLogger("fontTools").setLevel(logging.WARNING)


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    with TTFont(FONTS / REGULAR, lazy=True) as font:
        return frozenset(font.getBestCmap())


def printable(text: str) -> str:
    """The text in letters that the font has: composed where it can be, without marks where those are missing.

    What no alphabet of Europe has becomes a replacement mark; pictures and controls are left out.
    """
    known = _letters()
    return "".join(c if ord(c) in known else _nearest(c) for c in unicodedata.normalize("NFC", text))


def _nearest(character: str) -> str:
    plain = [c for c in unicodedata.normalize("NFKD", character) if ord(c) in _letters()]
    if plain:
        return "".join(plain)
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character)[0] in "LN" else ""


class Sheet:
    """A PDF in the making. Places and widths are millimetres, sizes of letters points."""

    def __init__(self) -> None:
        self.pdf = FPDF(unit="mm", format="A4")
        self.pdf.set_auto_page_break(False)
        self.pdf.c_margin = 0
        self.pdf.add_font("Inter", "", FONTS / REGULAR)
        self.pdf.add_font("Inter", "B", FONTS / BOLD)

    def style(self, size: float, color: Sequence[int] = INK, *, bold: bool = False) -> None:
        self.pdf.set_font("Inter", "B" if bold else "", size)
        self.pdf.set_text_color(*color)

    def put(self, x: float, y: float, width: float, text: str, align: Align = "L") -> None:
        """One line of text whose top is at `y`, in the style in hand; made smaller where it would not fit."""
        shown = printable(text)
        size = self.pdf.font_size_pt
        wide = self.pdf.get_string_width(shown)
        if wide > width:
            self.pdf.set_font_size(max(5.0, size * width / wide))
        self.pdf.set_xy(x, y)
        self.pdf.cell(width, self.height(size), shown, align=align)
        self.pdf.set_font_size(size)

    def wrapped(self, text: str, width: float) -> list[str]:
        """The text in lines of this width, in the style in hand; a word that is longer is broken."""
        lines: list[str] = []
        for part in printable(text).split("\n"):
            line = ""
            for word in part.split(" "):
                longer = f"{line} {word}" if line else word
                if self.pdf.get_string_width(longer) <= width:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                *whole, line = self._broken(word, width)
                lines += whole
            lines.append(line)
        return lines

    def _broken(self, word: str, width: float) -> list[str]:
        pieces, piece = [], ""
        for letter in word:
            if piece and self.pdf.get_string_width(piece + letter) > width:
                pieces.append(piece)
                piece = ""
            piece += letter
        return [*pieces, piece]

    @staticmethod
    def height(size: float) -> float:
        return size * 0.3528 * 1.38

    def block(self, x: float, y: float, width: float, lines: Iterable[str]) -> float:
        """Lines of text under each other; where they end."""
        step = self.height(self.pdf.font_size_pt)
        for line in lines:
            self.put(x, y, width, line)
            y += step
        return y

    def rule(
        self, y: float, x: float = LEFT, to: float = RIGHT, color: Sequence[int] = LINE, width: float = 0.2
    ) -> None:
        self.pdf.set_draw_color(*color)
        self.pdf.set_line_width(width)
        self.pdf.line(x, y, to, y)

    def label(self, x: float, y: float, width: float, text: str, align: Align = "L") -> None:
        self.style(7.5, MUTED)
        self.put(x, y, width, text, align)
