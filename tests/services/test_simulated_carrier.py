"""The simulated carrier as its own process, and its client: one label per key, events in order, kills survived."""

from uuid import uuid4

import pytest

from quickshop.shipping.carriers.port import CarrierRefused, CarrierTrouble, Consignment
from quickshop.shipping.carriers.simulator import SimulatedCarrier
from tests.factories.gateways import GatewayProcess
from tests.factories.waiting import eventually

TO = {"name": "Robin Ashdown", "line1": "1 Mill Lane", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}


@pytest.fixture(scope="module")
def double(tmp_path_factory):
    """One that is driven by hand."""
    process = GatewayProcess(tmp_path_factory.mktemp("carrier"), CARRIER_STEP_SECONDS="0").start()
    yield process
    process.stop()


def client(double, busy=False):
    return SimulatedCarrier(double.url, lambda: busy)


def wanted(**more):
    return Consignment(**{"key": str(uuid4()), "reference": "QS-1/1", "service": "standard", "weight_grams": 300,
                          "address": TO} | more)  # fmt: skip


def drive(double, number, state, code=None):
    return double.post(f"/carrier/parcels/{number}/events", {"state": state, "code": code})


def test_a_parcel_is_booked_once_for_each_key_and_its_label_is_a_pdf(double):
    asked = wanted()
    first, again = client(double).book(asked), client(double).book(asked)
    assert first == again
    assert first.label.startswith(b"%PDF-") and first.tracking_number.encode() in first.label
    assert client(double).book(wanted()).tracking_number != first.tracking_number


def test_what_is_driven_is_told_in_order_and_from_where_it_was_read(double):
    asked = wanted()
    number = client(double).book(asked).tracking_number
    _, cursor = client(double).events(None)
    for state, code in (("in_transit", None), ("exception", "customs"), ("delivered", None)):
        assert drive(double, number, state, code).status == 201
    found, following = client(double).events(cursor)
    assert [(s.parcel, s.state, s.code) for s in found] == [
        (asked.key, "in_transit", None),
        (asked.key, "exception", "customs"),
        (asked.key, "delivered", None),
    ]
    assert client(double).events(following) == ([], following)
    assert drive(double, number, "lost").status == 409
    assert drive(double, "QC0", "lost").status == 404


def test_a_kill_forgets_nothing(double):
    asked = wanted()
    before = client(double).book(asked)
    drive(double, before.tracking_number, "in_transit")
    known, _ = client(double).events(None)
    double.kill()
    double.start()
    assert client(double).book(asked) == before
    assert client(double).events(None)[0] == known


def test_a_parcel_nobody_drives_goes_its_way(tmp_path):
    process = GatewayProcess(tmp_path, CARRIER_STEP_SECONDS="0.05").start()
    try:
        carrier = client(process)
        carrier.book(wanted())
        eventually(
            lambda: [s.state for s in carrier.events(None)[0]] == ["in_transit", "out_for_delivery", "delivered"]
        )
    finally:
        process.stop()


def test_what_cannot_be_carried_is_refused_and_no_answer_is_trouble(double):
    with pytest.raises(CarrierRefused, match="address_incomplete"):
        client(double).book(wanted(address={**TO, "line1": ""}))
    with pytest.raises(RuntimeError, match="transaction"):
        client(double, busy=True).book(wanted())
    with pytest.raises(CarrierTrouble):
        SimulatedCarrier("http://127.0.0.1:1", lambda: False).book(wanted())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"key": 7}', b'{"key": "k", "reference": "r"}', b'{"key": "k", "to": {"postal_code": "1"}}']
)
def test_a_bad_call_is_refused(double, body):
    answer = double.http.request("POST", f"{double.url}/carrier/v1/parcels", body=body)
    assert answer.status in (400, 422)


def test_its_page_shows_parcels_and_drives_them(double):
    number = client(double).book(wanted()).tracking_number
    page = double.get(f"/carrier?number={number}", Accept="text/html").data.decode()
    assert number in page and "out for delivery" in page
    sent = double.http.request(
        "POST", f"{double.url}/carrier/parcels/{number}/events", fields={"state": "lost"}, encode_multipart=False,
        redirect=False,
    )  # fmt: skip
    assert sent.status == 303
    [row] = double.get(f"/carrier/parcels?number={number}").json()
    assert row["state"] == "lost"
