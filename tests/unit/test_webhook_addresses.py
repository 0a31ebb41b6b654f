"""Where webhooks may go: every form of an address that is not the public internet, and what a URL may hold."""

import pytest

from quickshop.kernel.errors import Invalid
from quickshop.webhooks import rules
from quickshop.webhooks.addresses import refused

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]
A_HOUSE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::1", "fc00::1", "fd12::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::",
    "2606:4700::5efe:a00:1", "2606:4700::200:5efe:a00:1",
]  # fmt: skip
NEVER = [
    "0.0.0.0", "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fe80::1",
    "fe80::1%eth0", "fec0::1", "100.64.0.1", "::ffff:100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::127.0.0.1", "2001:0:7f00:1::", "2001:db8::1", "ff02::1", "64:ff9b:1::1",
    "fe80::5efe:7f00:1", "fd00:ec2::254", "2606:4700::5efe:a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_reached(address):
    assert not refused(address, False)
    assert not refused(address, True)


@pytest.mark.parametrize("address", A_HOUSE)
def test_the_networks_of_a_house_only_where_they_are_allowed(address):
    assert refused(address, False)
    assert not refused(address, True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_reached(address):
    assert refused(address, False)
    assert refused(address, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/in", "ftp://hooks.example", "hooks.example", "", "https://", "https:///in",
        "https://user@hooks.example", "https://user:word@hooks.example", "https://hooks.example/#part",
        "https://hooks.example:0/", "https://hooks.example:70000/", "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: other", "https://höoks.example/", "https://[::1", "https://-x.example/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest",
        "https://hooks.example/" + "a" * 2000,
    ],
)  # fmt: skip
def test_a_url_that_could_lead_elsewhere_is_refused(url):
    with pytest.raises(Invalid) as refusal:
        rules.url(url, private=False)
    assert list(refusal.value.errors) == ["url"]


@pytest.mark.parametrize(
    "url", ["https://hooks.example", "https://hooks.example:8443/in?key=a%20b", "https://8.8.8.8/"]
)
def test_a_good_url_is_kept_as_it_is(url):
    assert rules.url(f" {url} ", private=False) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:8020/in", "http://erp.internal/", "https://10.0.0.5/"])
def test_where_the_operator_allows_it_the_own_network_may_be_told(url):
    assert rules.url(url, private=True) == url
    with pytest.raises(Invalid):
        rules.url("http://169.254.169.254/", private=True)


MANY = [f"order.x{'y' * n}" for n in range(41)]


@pytest.mark.parametrize(
    "wanted",
    [[], ["order"], ["order."], ["Order.placed"], ["customer.*"], ["*.placed"], ["webhook.test"], MANY],
    ids=lambda wanted: " ".join(wanted)[:20] or "nothing",
)
def test_what_no_event_is_called_cannot_be_asked_for(wanted):
    with pytest.raises(Invalid):
        rules.patterns(wanted)


def test_all_is_all_and_each_stands_once():
    assert rules.patterns(["order.*", "*"]) == ["*"]
    assert rules.patterns(["order.placed", "stock.*", "order.placed"]) == ["order.placed", "stock.*"]


def test_tries_take_more_than_a_day_and_come_to_an_end():
    pauses = [rules.pause_after(n) for n in range(1, rules.MOST_ATTEMPTS + 1)]
    assert pauses[-1] is None
    assert pauses[:-1] == sorted(pauses[:-1])
    assert 24 * 3600 < sum(pauses[:-1]) < 48 * 3600


def test_the_breakers_pause_doubles_up_to_an_hour():
    found = [rules.breaker_pause(n) for n in range(rules.OPENS_AFTER, rules.OPENS_AFTER + 10)]
    assert found[:4] == [30, 60, 120, 240]
    assert found[-1] == 3600
    assert rules.breaker_pause(10**6) == 3600
