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
# City, region and postal code where the made-up addresses lie.
_PLACES = {
    "AE": ("Dubai", "Dubai", ""),
    "AT": ("Wien", "", "1010"),
    "AU": ("Sydney", "NSW", "2000"),
    "BB": ("Bridgetown", "", ""),
    "BE": ("Bruxelles", "", "1000"),
    "BH": ("Manama", "", "317"),
    "BM": ("Hamilton", "", "HM 12"),
    "BR": ("Salvador", "BA", "40301-110"),
    "CA": ("Montreal", "QC", "H3Z 2Y7"),
    "CH": ("Zürich", "", "8001"),
    "CY": ("Nicosia", "", "1010"),
    "CZ": ("Praha", "", "100 00"),
    "DE": ("Berlin", "", "10115"),
    "DK": ("København", "", "1566"),
    "ES": ("Madrid", "M", "28039"),
    "FI": ("Helsinki", "", "00100"),
    "FR": ("Paris", "", "75001"),
    "GB": ("London", "", "EC1Y 8SY"),
    "GR": ("Athina", "", "105 57"),
    "HK": ("Central", "Hong Kong Island", ""),
    "IE": ("Dublin", "Co. Dublin", ""),
    "IL": ("Jerusalem", "", "9614303"),
    "IS": ("Reykjavík", "", "101"),
    "IT": ("Roma", "RM", "00144"),
    "JE": ("St Helier", "", "JE2 3AB"),
    "JP": ("Setagaya-ku", "Tokyo", "154-0023"),
    "KR": ("Jongno-gu", "Seoul", "03051"),
    "LB": ("Beirut", "", "1107 2810"),
    "LT": ("Vilnius", "", "01103"),
    "MT": ("Valletta", "", "VLT 1117"),
    "NG": ("Abuja", "", "900001"),
    "NL": ("Amsterdam", "", "1012 JS"),
    "NO": ("Oslo", "", "0025"),
    "PL": ("Warszawa", "", "00-950"),
    "PT": ("Lisboa", "", "1250-096"),
    "SA": ("Riyadh", "", "11564"),
    "SE": ("Stockholm", "", "114 55"),
    "SG": ("Singapore", "", "546080"),
    "TH": ("Bangkok", "", "10150"),
    "US": ("New York", "NY", "10001"),
    "ZA": ("Pretoria", "", "0083"),
}
_BY_LOWER = {name.lower(): code for name, code in _CODES.items()}


def code_of(country: str) -> str | None:
    """The ISO code of a name of the file, or None for one that we do not know (take DEFAULT then)."""
    return _BY_LOWER.get(country.lower())


def address(name: str, country: str) -> dict[str, str]:
    """A made-up address in a country of the file, which has no addresses. It keeps to the country's rules."""
    code = code_of(country) or DEFAULT
    city, region, postal_code = _PLACES[code]
    return {
        "name": name,
        "line1": "1 Replay Street",
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "country": code,
    }
