"""The words, numbers and days of a printed invoice in the languages that it speaks; English for all others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from quickshop.kernel.money import exponent

SYMBOLS = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "PLN": "zł", "CZK": "Kč", "UAH": "₴", "TRY": "₺"}


@dataclass(frozen=True)
class Language:
    """A language: marks in numbers, where the currency stands, the form of days (strftime), and the words."""

    code: str
    decimal: str
    thousands: str
    symbol_first: bool
    day: str
    words: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.words[key]

    def number(self, minor: int, currency: str) -> str:
        """1234567 -> "12,345.67"; a true minus sign before what is below nothing."""
        places = exponent(currency)
        major, rest = divmod(abs(minor), 10**places)
        text = f"{major:,}".replace(",", self.thousands)
        return ("−" if minor < 0 else "") + (f"{text}{self.decimal}{rest:0{places}d}" if places else text)

    def money(self, minor: int, currency: str) -> str:
        """The number with its currency."""
        symbol, number = SYMBOLS.get(currency, currency), self.number(abs(minor), currency)
        tight = "" if len(symbol) == 1 and self.symbol_first else "\N{NO-BREAK SPACE}"
        text = f"{symbol}{tight}{number}" if self.symbol_first else f"{number}\N{NO-BREAK SPACE}{symbol}"
        return ("−" if minor < 0 else "") + text

    def percent(self, rate: str) -> str:
        """ "8.875" -> "8.875%"."""
        return rate.replace(".", self.decimal) + ("%" if self.symbol_first else "\N{NO-BREAK SPACE}%")

    def on(self, day: date) -> str:
        """A day as it is written."""
        return day.strftime(self.day).replace("MONTH", self.words["months"].split()[day.month - 1]).lstrip("0")


_ENGLISH = {
    "months": "January February March April May June July August September October November December",
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "invoice_date": "Invoice date",
    "credit_note_date": "Date",
    "order": "Order",
    "placed": "Ordered on",
    "credits": "Credits invoice",
    "of": "of",
    "cause": "Reason",
    "cause_cancellation": "Cancellation",
    "cause_return": "Return",
    "cause_goodwill": "Goodwill",
    "cause_edit": "Change of the order",
    "cause_lost": "Parcel lost",
    "from": "From",
    "bill_to": "Billed to",
    "ship_to": "Delivered to",
    "erased": "Name and address were erased at the buyer's request.",
    "article": "Article",
    "quantity": "Qty",
    "unit": "Unit price",
    "rate": "Tax",
    "amount": "Amount",
    "subtotal": "Subtotal",
    "delivery": "Delivery",
    "free": "Free",
    "tax": "Tax",
    "goodwill": "Goodwill",
    "total": "Total",
    "total_credited": "Total credited",
    "tax_included": "of which tax",
    "tax_by_rate": "Tax by rate",
    "net": "Net",
    "payment": "Payment",
    "given_back": "Given back",
    "card": "Paid by card",
    "credit": "Paid with gift card or store credit",
    "nothing_due": "Paid in full. Nothing is due.",
    "free_of_charge": "Free of charge. Nothing is due.",
    "back_card": "Back to the card",
    "back_credit": "Back to gift card or store credit",
    "back_store_credit": "As store credit",
    "tax_id": "VAT no.",
    "registration": "Registration",
    "bank": "Bank",
    "continued": "continued",
    "page": "Page {page} of {pages}",
}
_GERMAN = {
    "months": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "invoice": "Rechnung",
    "credit_note": "Gutschrift",
    "invoice_date": "Rechnungsdatum",
    "credit_note_date": "Datum",
    "order": "Bestellung",
    "placed": "Bestellt am",
    "credits": "Zur Rechnung",
    "of": "vom",
    "cause": "Grund",
    "cause_cancellation": "Stornierung",
    "cause_return": "Rücksendung",
    "cause_goodwill": "Kulanz",
    "cause_edit": "Änderung der Bestellung",
    "cause_lost": "Paket verloren",
    "from": "Von",
    "bill_to": "Rechnung an",
    "ship_to": "Lieferung an",
    "erased": "Name und Anschrift wurden auf Wunsch der Käuferin oder des Käufers gelöscht.",
    "article": "Artikel",
    "quantity": "Menge",
    "unit": "Einzelpreis",
    "rate": "Steuer",
    "amount": "Betrag",
    "subtotal": "Zwischensumme",
    "delivery": "Versand",
    "free": "Kostenlos",
    "tax": "Steuer",
    "goodwill": "Kulanz",
    "total": "Gesamtbetrag",
    "total_credited": "Gutgeschrieben",
    "tax_included": "darin enthaltene Steuer",
    "tax_by_rate": "Steuer nach Satz",
    "net": "Netto",
    "payment": "Zahlung",
    "given_back": "Rückzahlung",
    "card": "Mit Karte bezahlt",
    "credit": "Mit Gutschein oder Guthaben bezahlt",
    "nothing_due": "Vollständig bezahlt. Es ist nichts offen.",
    "free_of_charge": "Kostenlos. Es ist nichts offen.",
    "back_card": "Zurück auf die Karte",
    "back_credit": "Zurück auf Gutschein oder Guthaben",
    "back_store_credit": "Als Guthaben",
    "tax_id": "USt-IdNr.",
    "registration": "Register",
    "bank": "Bank",
    "continued": "Fortsetzung",
    "page": "Seite {page} von {pages}",
}
_FRENCH = {
    "months": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "invoice": "Facture",
    "credit_note": "Avoir",
    "invoice_date": "Date de facture",
    "credit_note_date": "Date",
    "order": "Commande",
    "placed": "Commandé le",
    "credits": "Sur la facture",
    "of": "du",
    "cause": "Motif",
    "cause_cancellation": "Annulation",
    "cause_return": "Retour",
    "cause_goodwill": "Geste commercial",
    "cause_edit": "Modification de la commande",
    "cause_lost": "Colis perdu",
    "from": "De",
    "bill_to": "Facturé à",
    "ship_to": "Livré à",
    "erased": "Le nom et l’adresse ont été effacés à la demande de l’acheteur.",
    "article": "Article",
    "quantity": "Qté",
    "unit": "Prix unitaire",
    "rate": "Taxe",
    "amount": "Montant",
    "subtotal": "Sous-total",
    "delivery": "Livraison",
    "free": "Gratuit",
    "tax": "Taxe",
    "goodwill": "Geste commercial",
    "total": "Total",
    "total_credited": "Total de l’avoir",
    "tax_included": "dont taxe",
    "tax_by_rate": "Taxe par taux",
    "net": "Hors taxe",
    "payment": "Paiement",
    "given_back": "Remboursement",
    "card": "Payé par carte",
    "credit": "Payé par carte cadeau ou avoir",
    "nothing_due": "Payé intégralement. Rien n’est dû.",
    "free_of_charge": "Gratuit. Rien n’est dû.",
    "back_card": "Remboursé sur la carte",
    "back_credit": "Rendu sur carte cadeau ou avoir",
    "back_store_credit": "En avoir",
    "tax_id": "N° TVA",
    "registration": "Immatriculation",
    "bank": "Banque",
    "continued": "suite",
    "page": "Page {page} sur {pages}",
}

ENGLISH = Language("en", ".", ",", True, "%d MONTH %Y", _ENGLISH)
LANGUAGES = {
    "en": ENGLISH,
    "de": Language("de", ",", ".", False, "%d. MONTH %Y", _GERMAN),
    "fr": Language("fr", ",", "\N{NARROW NO-BREAK SPACE}", False, "%d MONTH %Y", _FRENCH),
}


def language(locale: str) -> Language:
    """The language of a locale such as "de-AT"."""
    return LANGUAGES.get(locale.replace("_", "-").split("-")[0].lower(), ENGLISH)
