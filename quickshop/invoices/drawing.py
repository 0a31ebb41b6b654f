"""Drawing an invoice or a credit note as PDF: A4, Inter, as many pages as it takes. Pure: the same document makes the
same bytes. CPU work of some 50 ms: never inside a transaction.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image

from quickshop.invoices.documents import Kind
from quickshop.invoices.sheet import ACCENT, INK, LEFT, MUTED, RIGHT, WASH, Align, Sheet, printable
from quickshop.invoices.words import Language, language

# Millimetres.
HEIGHT, TOP, BOTTOM = 297.0, 16.0, 34.0
LOGO = (60.0, 18.0)
ARTICLE, QUANTITY, UNIT, RATE, AMOUNT = 88.0, 14.0, 27.0, 17.0, 28.0
HALF = (RIGHT - LEFT) / 2


@dataclass(frozen=True)
class Paper:
    """What is printed: number, moment of issue, the frozen document, the buyer (None once erased), the logo's PNG."""

    code: str
    issued_at: datetime
    document: Mapping[str, Any]
    buyer: Mapping[str, Any] | None
    logo: bytes | None = None


def draw(paper: Paper) -> bytes:
    """The PDF."""
    sheet = _Print(paper)
    sheet.print()
    return bytes(sheet.pdf.output())


class _Print(Sheet):
    """One paper on its way to PDF: `y` is where the next thing goes."""

    def __init__(self, paper: Paper) -> None:
        super().__init__()
        self.paper = paper
        self.document = paper.document
        self.shop: Mapping[str, Any] = paper.document["shop"]
        self.words: Language = language(paper.document["locale"])
        self.credit = paper.document["kind"] == Kind.CREDIT_NOTE
        self.y = TOP
        self.pdf.set_title(f"{self._title()} {paper.code}")
        self.pdf.set_author(printable(self.shop["legal_name"] or self.shop["name"]))
        self.pdf.set_lang(self.words.code)
        self.pdf.set_creator("QuickShop")
        self.pdf.set_creation_date(paper.issued_at)

    def print(self) -> None:
        """Everything, from the head to the last sum; then the foot of each page, when their number is known."""
        self.pdf.add_page()
        self._head()
        self._facts()
        self._parties()
        self._lines()
        self._sums()
        self._note()
        pages = self.pdf.page
        for page in range(1, pages + 1):
            self.pdf.page = page
            self.style(6, bold=True)  # another style than any page ended in: a page knows only what was said on it
            self._foot(page, pages)

    def _title(self) -> str:
        return self.words["credit_note" if self.credit else "invoice"]

    def _day(self, moment: datetime) -> str:
        return self.words.on(moment.astimezone(ZoneInfo(self.document["timezone"])).date())

    def _number(self, minor: int) -> str:
        return self.words.number(minor, self.document["currency"])

    def _money(self, minor: int) -> str:
        return self.words.money(minor, self.document["currency"])

    # --- head ------------------------------------------------------------------------------------------

    def _head(self) -> None:
        if self.paper.logo:
            self._logo(self.paper.logo)
        else:
            self.style(19, ACCENT, bold=True)
            self.put(LEFT, TOP + 1, HALF, self.shop["name"])
        self.style(23, INK, bold=True)
        self.put(LEFT + HALF, TOP, HALF, self._title(), "R")
        self.style(10.5, MUTED)
        self.put(LEFT + HALF, TOP + 11.5, HALF, self.paper.code, "R")
        self.y = TOP + 26

    def _logo(self, png: bytes) -> None:
        with Image.open(io.BytesIO(png)) as picture:
            wide, high = picture.size
        scale = min(LOGO[0] / wide, LOGO[1] / high)
        self.pdf.image(io.BytesIO(png), x=LEFT, y=TOP, w=wide * scale, h=high * scale, alt_text=self.shop["name"])

    def _facts(self) -> None:
        """The band with dates and the order's number."""
        document, words = self.document, self.words
        placed = datetime.fromisoformat(document["order"]["placed_at"])
        facts = [
            (words["credit_note_date" if self.credit else "invoice_date"], self._day(self.paper.issued_at)),
            (words["order"], document["order"]["number"]),
        ]
        if self.credit:
            credited = document["credits"]
            day = self._day(datetime.fromisoformat(credited["issued_at"]))
            facts += [
                (words["credits"], f"{credited['code']} {words['of']} {day}"),
                (words["cause"], words[f"cause_{document['cause']}"]),
            ]
        else:
            facts.append((words["placed"], self._day(placed)))
        widths = (36.0, 26.0, 70.0, 36.0) if self.credit else (50.0, 50.0, 60.0)
        self.pdf.set_fill_color(*WASH)
        self.pdf.rect(LEFT, self.y, RIGHT - LEFT, 14, style="F", round_corners=True, corner_radius=1.6)
        x = LEFT + 4
        for (label, value), width in zip(facts, widths, strict=True):
            self.label(x, self.y + 2.4, width - 2, label)
            self.style(9.5, INK, bold=True)
            self.put(x, self.y + 6.4, width - 2, value)
            x += width
        self.y += 21

    def _parties(self) -> None:
        buyer = self.paper.buyer
        shop = self.shop
        own = [shop["legal_name"] or shop["name"], *shop["address"].split("\n")]
        if shop["tax_id"]:
            own.append(f"{self.words['tax_id']} {shop['tax_id']}")
        columns = [("from", own), ("bill_to", buyer["bill_to"] if buyer else [])]
        if buyer and buyer["ship_to"]:
            columns.append(("ship_to", buyer["ship_to"]))
        width, lowest = (RIGHT - LEFT) / 3, self.y
        for place, (label, lines) in enumerate(columns):
            x = LEFT + place * width
            self.label(x, self.y, width - 6, self.words[label])
            y = self._party(x, self.y + 4.6, width - 6, [line for line in lines if line])
            lowest = max(lowest, y)
        self.y = lowest + 8

    def _party(self, x: float, y: float, width: float, lines: Sequence[str]) -> float:
        if not lines:
            self.style(9, MUTED)
            return self.block(x, y, width, self.wrapped(self.words["erased"], width))
        self.style(9.5, INK, bold=True)
        y = self.block(x, y, width, self.wrapped(lines[0], width)) + 0.4
        self.style(9, INK)
        return self.block(x, y, width, [line for given in lines[1:] for line in self.wrapped(given, width)])

    # --- lines -----------------------------------------------------------------------------------------

    def _columns(self) -> list[tuple[str, float, Align]]:
        found: list[tuple[str, float, Align]] = [
            ("article", ARTICLE, "L"),
            ("quantity", QUANTITY, "R"),
            ("unit", UNIT, "R"),
            ("rate", RATE, "R"),
            ("amount", AMOUNT, "R"),
        ]
        if self.credit:
            found[0] = ("article", ARTICLE + UNIT, "L")
            del found[2]
        return found

    def _table_head(self) -> None:
        x = LEFT
        for name, width, align in self._columns():
            title = self.words[name] + (f" ({self.document['currency']})" if name == "amount" else "")
            self.label(x, self.y, width, title, align)
            x += width
        self.y += 5
        self.rule(self.y, color=INK, width=0.35)
        self.y += 2.4

    def _lines(self) -> None:
        if not self.document["lines"]:
            return
        self._table_head()
        for line in self.document["lines"]:
            self._line(line)
        self.y += 1

    def _line(self, line: Mapping[str, Any]) -> None:
        article = self._columns()[0][1] - 4
        self.style(9.5, INK)
        name = self.wrapped(line["name"], article)
        self.style(8, MUTED)
        about = self.wrapped(" · ".join(part for part in (line["options"], line["sku"]) if part), article)
        high = len(name) * self.height(9.5) + len(about) * self.height(8) + 5
        if self._full(high):
            self._table_head()
        self.style(9.5, INK)
        below = self.block(LEFT, self.y, article, name)
        self.style(8, MUTED)
        self.block(LEFT, below + 0.2, article, about)
        x = LEFT + article + 4
        for column, width, align in self._columns()[1:]:
            self.style(9.5, MUTED if column == "rate" else INK)
            self.put(x, self.y, width, self._cell(line, column), align)
            x += width
        self.y += high - 2.4
        self.rule(self.y)
        self.y += 2.4

    def _cell(self, line: Mapping[str, Any], column: str) -> str:
        if column == "quantity":
            return str(line["quantity"]) if line["quantity"] else "–"
        if column == "rate":
            return self.words.percent(line["rate"]) if line["rate"] != "0" else "–"
        return self._number(line["unit_minor"] if column == "unit" else line["minor"])

    def _full(self, high: float) -> bool:
        """Whether so much does not fit on this page any more; then there is a new one, with a head of its own."""
        if self.y + high <= HEIGHT - BOTTOM:
            return False
        self.pdf.add_page()
        self.style(9.5, ACCENT, bold=True)
        self.put(LEFT, TOP, HALF, self.shop["name"])
        self.style(9, MUTED)
        self.put(LEFT + HALF, TOP, HALF, f"{self._title()} {self.paper.code}, {self.words['continued']}", "R")
        self.rule(TOP + 7)
        self.y = TOP + 13
        return True

    # --- sums ------------------------------------------------------------------------------------------

    def _sums(self) -> None:
        """Right what it comes to, left the tax by rate and how it was paid: side by side, on one page."""
        sums = [(self._sum_label(s), self._sum_text(s)) for s in self.document["sums"]]
        left, right = self._left_side(), len(sums) * 5.6 + 19
        self._full(max(right, sum(7 + 5.2 * len(rows) for _, rows in left)) + 4)
        self.y += 3
        top = self.y
        lowest = self._totals(sums)
        y = top
        for title, rows in left:
            y = self._small_table(title, rows, y) + 3
        self.y = max(lowest, y) + 4

    def _sum_label(self, item: Mapping[str, Any]) -> str:
        if item["kind"] == "discount":
            return str(item["label"])
        label = self.words[item["kind"]]
        return f"{label}, {item['label']}" if item["kind"] == "delivery" and item.get("label") else label

    def _sum_text(self, item: Mapping[str, Any]) -> str:
        if item["kind"] == "delivery" and not item["minor"]:
            return self.words["free"]
        return self._number(item["minor"])

    def _totals(self, sums: Sequence[tuple[str, str]]) -> float:
        x, width, amount = LEFT + HALF + 9, HALF - 9, AMOUNT
        y = self.y
        for label, text in sums:
            self.style(9.5, MUTED)
            self.put(x, y, width - amount, label)
            self.style(9.5, INK)
            self.put(RIGHT - amount, y, amount, text, "R")
            y += 5.6
        if sums:
            self.rule(y + 1, x, color=INK, width=0.35)
            y += 3.4
        self.style(13, INK, bold=True)
        self.put(x, y, width / 2, self.words["total_credited" if self.credit else "total"])
        self.put(x + width / 2, y, width / 2, self._money(self.document["total_minor"]), "R")
        y += 8
        if self.document["tax_minor"] and not any(s["kind"] == "tax" for s in self.document["sums"]):
            self.style(8.5, MUTED)
            self.put(x, y, width - amount, self.words["tax_included"])
            self.put(RIGHT - amount, y, amount, self._number(self.document["tax_minor"]), "R")
            y += 5
        return y

    def _left_side(self) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
        """Tables of the left side: the titles of their columns, and their rows."""
        words, found = self.words, []
        if self.document["tax"]:
            head: tuple[str, ...] = (words["tax_by_rate"], words["net"], words["tax"])
            found.append((head, [self._tax_row(t) for t in self.document["tax"]]))
        paid = [
            (words[f"back_{p['kind']}" if self.credit else p["kind"]], "", self._number(p["minor"]))
            for p in self.document["paid"]
        ]
        if not self.credit:
            paid.append((words["nothing_due" if paid else "free_of_charge"], "", ""))
        rows: list[tuple[str, ...]] = list(paid)
        found.append(((words["given_back" if self.credit else "payment"], "", ""), rows))
        return found

    def _tax_row(self, tax: Mapping[str, Any]) -> tuple[str, ...]:
        name = " ".join(part for part in (tax["name"], self.words.percent(tax["rate"]), tax["place"]) if part)
        return (name, self._number(tax["net_minor"]), self._number(tax["minor"]))

    def _small_table(self, head: Sequence[str], rows: Sequence[Sequence[str]], y: float) -> float:
        widths = (HALF - 46.0, 22.0, 22.0)
        x = LEFT
        for place, (title, width) in enumerate(zip(head, widths, strict=True)):
            self.label(x, y, width, title, "R" if place else "L")
            x += width
        y += 4.4
        self.rule(y, LEFT, LEFT + sum(widths))
        y += 1.2
        for row in rows:
            x, wide = LEFT, widths if row[1] or row[2] else (sum(widths), 0.0, 0.0)
            for place, (text, width) in enumerate(zip(row, wide, strict=True)):
                if place == 0 and row[2] and not row[1]:
                    width += widths[1]
                if text:
                    self.style(8.5, INK)
                    right = LEFT + sum(widths) - width
                    self.put(right if place == 2 else x, y, width, text, "R" if place else "L")
                x += width
            y += 5.2
        return y

    def _note(self) -> None:
        if not self.shop["note"]:
            return
        self.style(9, MUTED)
        lines = self.wrapped(self.shop["note"], RIGHT - LEFT)
        self._full(len(lines) * self.height(9) + 4)
        self.style(9, MUTED)
        self.y = self.block(LEFT, self.y + 4, RIGHT - LEFT, lines)

    # --- foot ------------------------------------------------------------------------------------------

    def _foot(self, page: int, pages: int) -> None:
        shop, words = self.shop, self.words
        top = HEIGHT - 25
        self.rule(top)
        own = [shop["legal_name"] or shop["name"], ", ".join(shop["address"].split("\n"))]
        told = [f"{words[name]} {shop[name]}" for name in ("tax_id", "registration") if shop[name]]
        reach = [shop[name] for name in ("email", "phone", "website") if shop[name]]
        bank = [
            f"{words['bank']}: {line}" if i == 0 else line for i, line in enumerate(shop["bank"].split("\n")) if line
        ]
        self.style(7.2, MUTED)
        width = (RIGHT - LEFT) / 4
        for place, lines in enumerate((own, told, reach, bank)):
            space = width - 4
            shown = [piece for line in lines if line for piece in self.wrapped(line, space)][:4]
            self.block(LEFT + place * width, top + 2.4, space, shown)
        self.style(7.2, MUTED)
        text = words["page"].format(page=page, pages=pages)
        self.put(LEFT, HEIGHT - 9.5, RIGHT - LEFT, text, "R")
