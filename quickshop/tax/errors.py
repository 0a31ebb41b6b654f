"""What tax refuses."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class TaxClassInUse(Conflict):
    """Products, rates or shipping have the class, or it is the standard one."""

    code, title = "tax_class_in_use", "This class is in use"


class TaxRateExists(Conflict):
    """The place has a rate of this name for the class."""

    code, title = "tax_rate_exists", "This rate exists"
