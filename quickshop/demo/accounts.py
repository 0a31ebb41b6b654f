"""The accounts that the demo shop makes. Their passwords and TOTP secrets are public: they are for development."""

from __future__ import annotations

DOMAIN = "quickshop.example"  # a reserved name: no mail to it can reach anybody

ACCOUNTS: dict[str, dict[str, str]] = {
    "shopper": {
        "login": f"robin@{DOMAIN}",
        "password": "Quick-Parcel-17",
        "username": "robin",
        "first_name": "Robin",
        "last_name": "Ashdown",
    },
    "vip": {
        "login": f"valentina@{DOMAIN}",
        "password": "First-In-Line-88",
        "username": "valentina",
        "first_name": "Valentina",
        "last_name": "Marsh",
    },
    "staff": {
        "login": f"sam@{DOMAIN}",
        "password": "Pack-And-Send-42",
        "username": "sam",
        "first_name": "Sam",
        "last_name": "Okafor",
        "totp_secret": "SAMPACKSANDSENDSPARCELS234567SAM",
    },
    "admin": {
        "login": f"ada@{DOMAIN}",
        "password": "Keys-To-The-Shop-1",
        "username": "ada",
        "first_name": "Ada",
        "last_name": "Lindqvist",
        "totp_secret": "ADAHASTHEKEYSOFTHEWHOLESHOP23456",
    },
}
