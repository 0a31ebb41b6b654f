"""What search engines may read: robots.txt, and the sitemap in pages of 50,000 addresses at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape

from flask import Response

from blueprints.http.access import public
from blueprints.http.shared import for_a_moment
from blueprints.storefront.pages import pages
from quickshop.catalog import queries
from quickshop.extensions import settings
from quickshop.kernel.errors import NotFound

PAGE = 50_000
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_NOT_FOR_ROBOTS = ("/account", "/admin", "/api/", "/cart", "/checkout", "/orders", "/sign-in", "/sign-up", "/search/")


def _xml(root: str, entry: str, entries: Iterable[tuple[str, str | None]]) -> Response:
    def written() -> Iterator[str]:
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {_SPACE}>\n'
        for address, changed in entries:
            when = f"<lastmod>{changed}</lastmod>" if changed else ""
            yield f"<{entry}><loc>{escape(address)}</loc>{when}</{entry}>\n"
        yield f"</{root}>\n"

    response = Response("".join(written()), mimetype="application/xml")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@pages.get("/robots.txt")
@public
def robots() -> Response:
    """What robots need not read, and where the sitemap is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_ROBOTS)]
    response = Response("\n".join([*lines, f"Sitemap: {settings().public_url}/sitemap.xml", ""]), mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@pages.get("/sitemap.xml")
@public
def sitemap() -> Response:
    """The index: one page of categories, and as many of products as there must be."""
    base = settings().public_url
    count = -(-for_a_moment("products on show", queries.products_on_show) // PAGE)
    parts = [f"{base}/sitemap-categories.xml", *(f"{base}/sitemap-{n}.xml" for n in range(1, count + 1))]
    return _xml("sitemapindex", "sitemap", ((part, None) for part in parts))


@pages.get("/sitemap-categories.xml")
@public
def category_sitemap() -> Response:
    """The front page and every category."""
    base = settings().public_url
    categories = _walk(for_a_moment("categories", queries.list_categories))
    return _xml("urlset", "url", [(f"{base}/", None), *((f"{base}/?category={c['slug']}", None) for c in categories)])


def _walk(tree: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for node in tree:
        yield node
        yield from _walk(node["children"])


@pages.get("/sitemap-<int:number>.xml")
@public
def product_sitemap(number: int) -> Response:
    """One page of products. Raises NotFound beyond the last."""
    found = queries.addresses(number - 1, PAGE) if 0 < number <= 10_000 else []
    if not found:
        raise NotFound("page of the sitemap")
    base = settings().public_url
    return _xml("urlset", "url", [(f"{base}/products/{a.slug}", a.updated_at.date().isoformat()) for a in found])
