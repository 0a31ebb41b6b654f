"""What a worker does for the catalogue by the clock, in the role that a worker has."""

from quickshop.catalog import pictures
from quickshop.catalog.renditions import Rendition
from quickshop.factory import create_app
from quickshop.inventory import watching
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications import service as notifications
from tests.factories.accounts import a_staff_account
from tests.factories.shop import a_variant, look


def test_a_worker_tells_staff_of_low_stock(app, settings):
    account = a_staff_account(app.test_client())
    with app.app_context():
        a_variant(stock=2, sku="LOW-1")
        a_variant(stock=200)
    with create_app(role="worker", settings=settings).app_context():
        assert [run_unit(watching.watch) for _ in range(2)] == [1, 0]
        notifications.drain()
    with app.app_context(), reading():
        [told] = db.rows(
            "SELECT d.state, d.context, u.id FROM deliveries d JOIN users u ON u.person_id = d.person_id"
            " WHERE d.kind = 'stock.low_found' AND d.channel = 'email'"
        )
    assert (told.state, told.id) == ("sent", account.extra["id"])
    assert [item["sku"] for item in told.context["items"]] == ["LOW-1"]


def test_a_worker_deletes_files_that_no_picture_has(core, settings):
    variant = a_variant()
    product = look("SELECT product_id FROM variants WHERE id = :id", id=variant)[0].product_id
    kept, gone = (Rendition(200, 200, "webp", body) for body in (b"kept", b"gone"))
    run_unit(lambda: pictures.add_picture(product, [kept]))
    other = run_unit(lambda: pictures.add_picture(product, [gone]))
    run_unit(lambda: pictures.remove_picture(product, other))
    run_unit(lambda: db.run("UPDATE media_files SET wanted_at = now() - interval '2 days'"))
    with create_app(role="worker", settings=settings).app_context():
        assert run_unit(pictures.prune_media) == 1
    assert [r.digest for r in look("SELECT digest FROM media_files")] == [kept.digest]
