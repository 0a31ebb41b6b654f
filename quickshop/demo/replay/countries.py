"""The file's country names as ISO 3166-1 codes, and the made-up address that stands for the missing ones. Pure."""

from __future__ import annotations

DEFAULT = "GB"  # the shop of the file is British

# Names as the file writes them. Where the file names no single country, the code that comes nearest:
# the islands' larger one, the seat of the Community's institutions, and home.
_CODES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Bermuda": "BM",
    "Brazil": "BR",
    "Canada": "CA",
    "Channel Islands": "JE",
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "European Community": "BE",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Korea": "KR",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Nigeria": "NG",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "Thailand": "TH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
    "Unspecified": "GB",
    "West Indies": "BB",
}
_BY_LOWER = {name.lower(): code for name, code in _CODES.items()}


def code_of(country: str) -> str | None:
    """The ISO code of a name of the file, or None for one that we do not know (take DEFAULT then)."""
    return _BY_LOWER.get(country.lower())


def address(name: str, country: str) -> dict[str, str]:
    """A made-up address in a country of the file, which has no addresses."""
    return {
        "name": name,
        "line1": "1 Replay Street",
        "city": country or "Unspecified",
        "postal_code": "0000",
        "country": code_of(country) or DEFAULT,
    }
