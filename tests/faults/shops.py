"""A shop for a storm: slow enough that kills find work under way, with products of its own."""

import contextlib
import json

from blueprints import register
from quickshop.config import load_settings
from quickshop.factory import create_app
from tests.factories.live import LiveShop
from tests.factories.shop import a_variant


@contextlib.contextmanager
def storm_shop(**settings):
    """A running shop on durable servers, and an application on its database."""
    with LiveShop(durable=True, **settings) as shop:
        yield shop, application_of(shop)


def application_of(shop):
    """An application on the database of a running shop, for what HTTP does not do."""
    secrets = json.loads((shop.home / "secrets.json").read_text())
    environment = shop.pair.environment(shop.home) | secrets | {"POOL_SIZE": "2"}
    return create_app([register], role="command", settings=load_settings(environment))


def products(app, *, count=6, stock=2000):
    """Products to fight over; their variant ids."""
    with app.app_context():
        return [a_variant(price=700 + 130 * n, stock=stock, ships=False) for n in range(count)]


def stock_on_hand(pair):
    """Units on hand by variant id."""
    return {str(variant): units for variant, units in pair.run("SELECT variant_id, on_hand FROM stock_items")}
