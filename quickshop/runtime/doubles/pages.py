"""The doubles' pages for people: the ledger, the mailbox and the bank's question. HTML only, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

STYLE = (Path(__file__).parent / "style.css").read_bytes()

_PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    '<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head><body>'
    '<nav aria-label="Doubles"><a href="/">Simulated gateway</a> <a href="/outbox">Mailbox</a>'
    ' <a href="/carrier">Carrier</a>'
    ' <a href="{shop_url}">Shop</a></nav><main><h1>{title}</h1>{content}</main></body></html>'
)
_ROW = Markup(
    '<tr><td>{at}</td><td>{order}</td><td class="number">{amount}</td><td>{state}</td>'
    '<td class="number">{captured}</td><td class="number">{refunded}</td><td>{id}</td></tr>'
)
_TABLE = Markup(
    '<p>{count} charges; the newest are shown. All of them as JSON: <a href="/charges">/charges</a>.</p>'
    '<div class="scroll" role="region" aria-label="Charges" tabindex="0"><table><thead><tr><th>Time (UTC)</th>'
    '<th>Order</th><th class="number">Amount</th><th>State</th><th class="number">Captured</th>'
    '<th class="number">Refunded</th><th>Charge</th></tr></thead><tbody>{rows}</tbody></table></div>'
)
_PARCEL = Markup(
    "<tr><td>{tracking_number}</td><td>{reference}</td><td>{country}</td><td>{state}</td><td>{buttons}</td></tr>"
)
_DRIVE = Markup('<form method="post" action="/carrier/parcels/{number}/events">{buttons}</form>')
_BUTTON = Markup('<button name="state" value="{state}">{word}</button>')
_PARCELS = Markup(
    '<p>{count} parcels; the newest are shown. As JSON: <a href="/carrier/parcels">/carrier/parcels</a>.</p>'
    '<div class="scroll" role="region" aria-label="Parcels" tabindex="0"><table><thead><tr><th>Number</th>'
    "<th>Reference</th><th>Country</th><th>State</th><th>What becomes of it</th></tr></thead><tbody>{rows}</tbody>"
    "</table></div>"
)
_QUESTION = Markup(
    "<p>Your bank asks: pay <strong>{amount}</strong> for order <strong>{order}</strong>?</p>"
    '<form method="post"><button class="main" name="decision" value="approve">Approve</button>'
    '<button name="decision" value="refuse">Refuse</button></form>'
    '<p class="quiet">This page stands for the bank\'s own (3-D Secure). No money is involved.</p>'
)
_ANSWERED = Markup('<p>This payment is {state}. <a href="{order_url}">Back to the order</a></p>')
_MESSAGE = Markup(
    "<details{open}><summary>{subject} <span class=quiet>{channel} to {to}, {at}</span></summary>"
    "<pre>{text}</pre>{html}</details>"
)
_HTML_LINK = Markup('<p><a href="/outbox/{number}" target="_blank" rel="noopener">As HTML</a></p>')
_SEARCH = Markup(
    '<form><label>Sent to <input name="to" value="{to}" autocomplete="off"></label>'
    '<button class="main">Show</button></form><p class="quiet">{count} shown, newest first.</p>'
)
_OPEN, _CLOSED = Markup(" open"), Markup("")
_LINK = re.compile(r"https?://[^\s<>\"']+")


def _page(title: str, content: str, shop_url: str) -> str:
    return _PAGE.format(title=title, content=content, shop_url=shop_url)


def money(amount: int, currency: str) -> str:
    """Minor units for people; good for currencies of two decimals, which is all the demo shop has."""
    return f"{amount // 100:,}.{amount % 100:02d} {currency}"


def ledger_page(rows: list[dict[str, Any]], total: int, shop_url: str) -> str:
    """The newest charges."""
    lines = Markup("").join(
        _ROW.format(**row | {name: money(row[name], row["currency"]) for name in ("amount", "captured", "refunded")})
        for row in rows
    )
    return _page("Simulated gateway", _TABLE.format(count=total, rows=lines), shop_url)


def parcels_page(rows: list[dict[str, Any]], total: int, shop_url: str) -> str:
    """The carrier's newest parcels, with buttons that drive them."""
    lines = Markup("").join(_PARCEL.format(**row, buttons=_drive(row)) for row in rows)
    return _page("Simulated carrier", _PARCELS.format(count=total, rows=lines), shop_url)


def _drive(row: dict[str, Any]) -> Markup:
    if row["state"] in ("delivered", "lost"):
        return Markup("")
    possible = ("in_transit", "out_for_delivery", "delivered", "exception", "lost")
    buttons = Markup(" ").join(
        _BUTTON.format(state=state, word=state.replace("_", " ")) for state in possible if state != row["state"]
    )
    return _DRIVE.format(number=row["tracking_number"], buttons=buttons)


def challenge_page(row: dict[str, Any], order_url: str, shop_url: str) -> str:
    """The bank's question, or how it was answered."""
    if row["state"] == "requires_action":
        content = _QUESTION.format(amount=money(row["amount"], row["currency"]), order=row["order"])
    else:
        content = _ANSWERED.format(state=row["state"].replace("_", " "), order_url=order_url)
    return _page("Confirm your payment", content, shop_url)


def _with_links(text: str) -> Markup:
    parts: list[str] = []
    position = 0
    for match in _LINK.finditer(text):
        url = match[0].rstrip(".,;:!?)")
        parts += [escape(text[position : match.start()]), Markup('<a href="{0}">{0}</a>').format(url)]
        position = match.start() + len(url)
    return Markup("").join([*parts, escape(text[position:])])


def outbox_page(messages: Iterable[tuple[int, dict[str, Any]]], to: str | None, shop_url: str) -> str:
    """What was mailed and texted, newest first, the first one open."""
    items = [
        _MESSAGE.format(
            open=_CLOSED if place else _OPEN,
            subject=message.get("subject") or "(no subject)",
            channel=message.get("channel", ""),
            to=message["to"],
            at=message.get("at", ""),
            text=_with_links(str(message.get("text") or "")),
            html=_HTML_LINK.format(number=number) if message.get("html") else "",
        )
        for place, (number, message) in enumerate(messages)
    ]
    content = _SEARCH.format(to=to or "", count=len(items)) + Markup("").join(items)
    return _page("Mailbox", content, shop_url)
