"""Rich text as staff write it, made safe before it is stored. Pure."""

from __future__ import annotations

import nh3

RICH_TAGS = {"p", "ul", "ol", "li", "em", "strong", "br", "h3", "h4", "a", "table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {"a": {"href"}}


def clean(text: str) -> str:
    """Safe HTML of a description: the few tags a text needs, links by http, https or mail. Plain text stays plain."""
    if "<" not in text:
        return text
    return nh3.clean(text, tags=RICH_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"})
