"""Every table and column is on the map of personal data, and whatever is not erased has a reason to stay."""

import pytest

from quickshop.extensions import Base
from quickshop.factory import MODELS
from quickshop.privacy.map import MAP, Erasure

assert MODELS  # imported for the tables they define
TABLES = Base.metadata.tables
HOLDINGS = pytest.mark.parametrize("name", sorted(MAP))


def test_every_table_is_on_the_map():
    """A new table: say in quickshop/privacy/map.py what of it is personal, who gets a copy, and how it is erased."""
    assert set(MAP) == set(TABLES)


@HOLDINGS
def test_every_column_is_classified_once(name):
    assert sorted(MAP[name].columns) == sorted(column.name for column in TABLES[name].columns)


@HOLDINGS
def test_what_is_personal_is_found_by_person(name):
    holding = MAP[name]
    personal = {*holding.shown, *holding.sealed, *holding.secret}
    assert holding.rows is not None or holding.erasure is Erasure.BY_VERB or not personal


@HOLDINGS
def test_no_personal_column_stays_readable_without_a_reason(name):
    """Where the row stays, a column is blanked, sealed with the key that is destroyed, or kept for a reason."""
    holding = MAP[name]
    if holding.erasure in (Erasure.DELETED, Erasure.BY_VERB):
        return
    staying = {*holding.shown, *holding.secret} - set(holding.blanked)
    assert staying == set(holding.kept)
    assert all(holding.kept.values())


@HOLDINGS
def test_only_changed_rows_have_blanked_columns_and_they_exist(name):
    holding = MAP[name]
    assert bool(holding.blanked) == (holding.erasure is Erasure.CHANGED)
    assert set(holding.blanked) <= set(holding.columns)


@HOLDINGS
def test_what_is_shown_has_a_place_in_the_export(name):
    holding = MAP[name]
    assert bool(holding.section) == bool(holding.shown or holding.sealed)
    assert holding.under is None or MAP[holding.under].section


def test_what_refers_to_a_row_is_erased_before_it():
    """Rows are deleted in the map's order, so nothing relies on the database to do it in a row's wake."""
    order = [name for name, holding in MAP.items() if holding.erasure is Erasure.DELETED]
    wrong = [
        (name, target.column.table.name)
        for name in order
        for target in TABLES[name].foreign_keys
        if target.column.table.name in order and order.index(target.column.table.name) < order.index(name)
    ]
    assert wrong == []
