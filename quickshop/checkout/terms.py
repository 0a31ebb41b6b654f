"""What a quote is made with beside the cart: ways of shipping, rates of tax, the buyer's exemption. One statement."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts.places import Place
from quickshop.kernel import clock, db
from quickshop.kernel.prepared import PLANNED_ONCE
from quickshop.shipping import queries as shipping
from quickshop.shipping.rules import Terms as ShippingTerms
from quickshop.tax import queries as tax
from quickshop.tax.rules import Terms as TaxTerms


@dataclass(frozen=True)
class Terms:
    """How things stand now for where the parcel goes; `assumed` says that nobody said where, so it is the shop's home.

    `exempt` is a buyer whom staff freed from tax.
    """

    destination: Place
    assumed: bool
    shipping: ShippingTerms
    tax: TaxTerms
    exempt: bool = False

    def taxed_in(self, *, pickup: bool) -> Place:
        """Whose tax is owed: the destination's, and for what is fetched the shop's."""
        return self.shipping.home if pickup else self.destination


_TERMS = f"""{PLANNED_ONCE}
SELECT here.country, here.region, s.settings, {shipping.ZONE} AS zone, {shipping.METHODS} AS methods,
    {shipping.HOLIDAYS} AS holidays, {tax.SETTINGS} AS tax_settings, {tax.RATES} AS rates,
    coalesce((SELECT u.tax_exempt FROM users u WHERE u.id = CAST(:user AS uuid)), false) AS exempt
FROM (SELECT {shipping.HOME_SETTINGS} AS settings) s
CROSS JOIN LATERAL (
    SELECT coalesce(s.settings->>'home_country', CAST(:home AS text)) AS country,
        coalesce(s.settings->>'home_region', '') AS region
) home
CROSS JOIN LATERAL (
    SELECT coalesce(CAST(:country AS text), home.country) AS country,
        coalesce(CAST(:region AS text), home.region) AS region, CAST(:currency AS text) AS currency
) here
"""


def terms(destination: Place | None, currency: str, user_id: UUID | None) -> Terms:
    """How things stand now, never from a cache."""
    found = db.run(
        _TERMS,
        country=destination.country if destination else None,
        region=destination.region if destination else None,
        home=shipping.HOME.country,
        currency=currency,
        today=clock.now().date(),
        user=user_id,
    ).one()
    return Terms(
        destination=Place(found.country, found.region),
        assumed=destination is None,
        shipping=shipping.terms_of(found.settings, found.zone, found.methods, found.holidays),
        tax=tax.terms_of(found.tax_settings, found.rates),
        exempt=found.exempt,
    )
