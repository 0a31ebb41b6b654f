"""Files to import, and what came of them. Needs an active application context."""

import functools
import io

from quickshop.extensions import settings
from quickshop.factory import create_app
from quickshop.imports import queries, service, uploading, working
from quickshop.imports.kinds import Kind
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit

PRODUCT_COLUMNS = "slug,sku,name,category,price,stock"


def a_file(*lines, end="\n"):
    """The bytes of a file with these lines."""
    return (end.join(lines) + end).encode()


def upload(kind, content, name="file.csv"):
    """Take a file in; its import's id."""
    return run_unit(lambda: uploading.take(Kind(kind), io.BytesIO(content), name))


def begin(kind, content, *, dry_run=False, mode="skip_bad", mapping=None):
    """Take a file in and have it wait for a worker; the import's id."""
    import_id = upload(kind, content)
    run_unit(lambda: service.begin(import_id, mode=mode, dry_run=dry_run, mapping=mapping))
    return import_id


@functools.lru_cache
def _worker(chosen):
    return create_app(role="worker", settings=chosen)


def turn(import_id, seconds=working.TURN_SECONDS):
    """One turn of a worker, with the rights of its database role and no more."""
    with _worker(settings()).app_context():
        working.process(import_id, seconds)


def work(import_id):
    """Be the worker until there is nothing more to do now; how the import stands."""
    for _ in range(1000):
        turn(import_id)
        found = view(import_id)
        with reading():
            assert db.scalar("SELECT last_error FROM imports WHERE id = :id", id=import_id) is None
        if found["state"] not in ("checking", "applying", "finishing"):
            return found
    raise AssertionError(f"it does not end: {found}")


def run(kind, *lines, **choices):
    """Import a file of these lines; how the import ended."""
    return work(begin(kind, lines[0] if isinstance(lines[0], bytes) else a_file(*lines), **choices))


def view(import_id):
    """How an import stands."""
    with reading():
        return queries.get_import(import_id)


def errors(found):
    """What was wrong: [(row, column, reason)] in order."""
    with reading():
        items = queries.list_errors(found["id"], limit=100)["items"]
    return [(item["row"], item["column"], item["reason"]) for item in items]


def details(found):
    """The sentences of what was wrong."""
    with reading():
        return [item["detail"] for item in queries.list_errors(found["id"], limit=100)["items"]]


_CATALOGUE = """
SELECT v.sku, p.slug, p.name, p.description, c.slug AS category, p.tax_class, p.attributes,
       p.options AS offered, p.published_at, p.withdrawn_at, p.card - 'id' - 'default_variant_id' AS card,
       v.options, v.currency, v.price_minor, v.compare_at_minor, v.sale_price_minor, v.sale_from, v.sale_until,
       v.weight_grams, v.position, s.on_hand, s.held,
       (SELECT array_agg(h.price_minor ORDER BY h.id) FROM price_changes h WHERE h.variant_id = v.id) AS prices,
       (SELECT array_agg((m.delta, m.cause) ORDER BY m.id)::text FROM stock_movements m WHERE m.variant_id = v.id)
           AS movements,
       (SELECT (l.price_minor, l.in_stock, l.category_id, l.attribute_ids)::text FROM listings l
        WHERE l.product_id = p.id) AS listing,
       (SELECT (t.title, t.codes, t.labels, t.body)::text FROM product_texts t WHERE t.product_id = p.id) AS texts
FROM variants v JOIN products p ON p.id = v.product_id JOIN categories c ON c.id = p.category_id
JOIN stock_items s ON s.variant_id = v.id ORDER BY v.sku
"""


def catalogue(*, moments=True):
    """Every variant by SKU with all that there is to know of it; without `moments`, only whether it was published."""
    with reading():
        found = {row.sku: row._asdict() for row in db.rows(_CATALOGUE)}
    if not moments:
        for row in found.values():
            row["published_at"] = row["published_at"] is not None
    return found
