"""Webhooks under rivals: many workers number one log without a gap, and send each message once, in order."""

from quickshop.kernel import facts
from quickshop.kernel.unit_of_work import run_unit
from quickshop.webhooks import queries, service
from tests.factories.racing import together
from tests.factories.receivers import QUICK, a_receiver, an_endpoint, send
from tests.factories.shop import a_variant, an_order, log_of, look


def test_many_workers_number_events_without_a_gap_and_send_each_once_in_order(core):
    with a_receiver() as one, a_receiver() as other:
        an_endpoint(one.url)
        an_endpoint(other.url, "product.*")
        goods = a_variant(stock=50)
        orders = []

        def tell():
            for _ in range(10):
                run_unit(lambda: facts.announce("product.updated", {"product_id": 1}))

        def order():
            orders.append(an_order({goods: 1}))

        workers = [lambda: sum(send(QUICK) for _ in range(6)) for _ in range(4)]
        outcomes = together(core, *[tell] * 4, order, order, *workers)
        assert [o for o in outcomes if isinstance(o, Exception)] == []
        with core.app_context():
            send()
            events = queries.list_events(0, 500)
            assert [e["seq"] for e in events] == list(range(1, 40 + sum(len(log_of(o)) for o in orders) + 1))
            assert one.seqs == [e["seq"] for e in events]
            assert other.seqs == [e["seq"] for e in events if e["type"] == "product.updated"]
            assert {d.state for d in look("SELECT state FROM webhook_deliveries")} == {"delivered"}


def test_who_makes_an_endpoint_while_the_last_one_goes_is_told_of_facts(core):
    first, _ = an_endpoint("http://127.0.0.1:9/")
    together(
        core,
        lambda: run_unit(lambda: service.remove(first)),
        lambda: an_endpoint("http://127.0.0.1:9/"),
    )
    run_unit(lambda: facts.announce("product.updated", {"product_id": 1}))
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'webhooks'")[0].n == 1
