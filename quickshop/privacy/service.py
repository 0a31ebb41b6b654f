"""The verbs of privacy under one name; each lives in the module that it is imported from."""

from __future__ import annotations

from quickshop.privacy.erasing import erase_account, erase_customer, erase_guest, under_way
from quickshop.privacy.exporting import export_account, export_customer

__all__ = ["erase_account", "erase_customer", "erase_guest", "export_account", "export_customer", "under_way"]
