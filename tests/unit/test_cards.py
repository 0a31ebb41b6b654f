"""Card numbers are found in whatever text they stand; ids, barcodes and phone numbers are not taken for one."""

import pytest

from quickshop.kernel.cards import holds_card_number


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "my card 4242 4242 4242 4242 expires soon",
        "4000-0566-5566-5556",
        "5555555555554444",
        "2223003122003222",
        "3782 822463 10005",
        "6011111111111117",
        "3566002020360505",
        "30569309025904",
    ],
)
def test_a_card_number_is_found(text):
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424243",
        "4006381333931",  # a barcode
        "+44 20 7946 0958",
        "01940c7d-0000-7000-8000-000000000000",
        "42424242-4242-4242-8242-424242424242",
        "QS-100001 QS-100002",
        "1764000000000000",
        "x4242424242424242",
        "42424242424242424242424242",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ],
)
def test_other_numbers_are_nobodys_card(text):
    assert not holds_card_number(text)
