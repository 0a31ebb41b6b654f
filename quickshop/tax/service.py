"""The verbs of tax: classes, rates, and whether prices include it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.accounts.places import checked_place
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.tax.errors import TaxClassInUse, TaxRateExists
from quickshop.tax.rules import STANDARD, WHOLE


def set_class(code: str, name: str, position: int = 0) -> None:
    """Make a class, or change the one with this code."""
    db.run(
        "INSERT INTO tax_classes (code, name, position) VALUES (:code, :name, :position)"
        " ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, position = EXCLUDED.position",
        code=code,
        name=name,
        position=position,
    )


def remove_class(code: str) -> None:
    """Take a class away. Raises NotFound, TaxClassInUse; the standard class stays."""
    if code == STANDARD:
        raise TaxClassInUse("What has no other class is of the standard one.")
    try:
        removed = db.run("DELETE FROM tax_classes WHERE code = :code", code=code).rowcount
    except IntegrityError as error:
        raise TaxClassInUse("Products, rates or shipping have this class.") from error
    if not removed:
        raise NotFound("tax class")


def set_rate(
    rate_id: UUID | None,
    *,
    tax_class: str,
    country: str,
    region: str,
    name: str,
    millionths: int,
    replaces: bool = False,
) -> UUID:
    """Make a rate (without `rate_id`) or change one; its id. `region` empty is the whole country.

    Raises Invalid for a place, class or rate that cannot be, TaxRateExists, NotFound.
    """
    place = checked_place(country, region)
    if replaces and not place.region:
        raise Invalid({"replaces": ["Only a region's rate stands in place of its country's."]})
    if not 0 <= millionths <= WHOLE:
        raise Invalid({"rate": ["A rate is 0 to 100 percent."]})
    columns = {
        "tax_class": tax_class,
        "country": place.country,
        "region": place.region,
        "name": name,
        "millionths": millionths,
        "replaces": replaces,
    }
    try:
        return _write_rate(rate_id, columns)
    except IntegrityError as error:
        if db.constraint(error) == "uq_tax_rates_place":
            raise TaxRateExists("This place has a rate of this name for the class.") from error
        raise Invalid({"tax_class": ["No such class."]}) from error


def _write_rate(rate_id: UUID | None, columns: dict[str, object]) -> UUID:
    if rate_id is None:
        made = new_id()
        db.run(
            "INSERT INTO tax_rates (id, tax_class, country, region, name, millionths, replaces)"
            " VALUES (:id, :tax_class, :country, :region, :name, :millionths, :replaces)",
            id=made,
            **columns,
        )
        return made
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    if not db.run(f"UPDATE tax_rates SET {changes} WHERE id = :id", id=rate_id, **columns).rowcount:
        raise NotFound("tax rate")
    return rate_id


def remove_rate(rate_id: UUID) -> None:
    """Take a rate away; orders keep what they were charged. Raises NotFound."""
    if not db.run("DELETE FROM tax_rates WHERE id = :id", id=rate_id).rowcount:
        raise NotFound("tax rate")


def set_tax_settings(*, prices_include_tax: bool, shipping_class: str) -> None:
    """Say whether prices include tax, and of which class shipping is. Raises Invalid for a class that is not."""
    try:
        db.run(
            "INSERT INTO tax_settings (prices_include_tax, shipping_class) VALUES (:included, :class)"
            " ON CONFLICT (id) DO UPDATE SET prices_include_tax = EXCLUDED.prices_include_tax,"
            " shipping_class = EXCLUDED.shipping_class",
            included=prices_include_tax,
            **{"class": shipping_class},
        )
    except IntegrityError as error:
        raise Invalid({"shipping_class": ["No such class."]}) from error
