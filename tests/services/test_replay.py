"""The replay against a whole running shop: a slice of real invoices, cut by kills, bought once, with no difference."""

import csv
import os
import re
import signal
import subprocess
import sys

import orjson
import pytest

from quickshop.demo.replay.accounts import Mailbox, Member, People
from quickshop.demo.replay.client import Client
from tests.factories.gateways import ROOT
from tests.factories.waiting import eventually

SLICE = ROOT / "tests" / "data" / "online-retail-slice.csv"
ORDERS, UNITS = 19, 6125

pytestmark = pytest.mark.timeout(300)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUICKSHOP_")}
    return {**kept, "COLUMNS": "160", **more}


def command(*options, file=SLICE):
    return [sys.executable, "-m", "quickshop", "replay", str(file), *map(str, options)]


def replay(shop, *options, file=SLICE, env=None):
    """Run it to its end; what it printed and its exit code."""
    env = env or environment(QUICKSHOP_HOME=str(shop.home))
    done = subprocess.run(command(*options, file=file), cwd=ROOT, env=env, capture_output=True, text=True, timeout=200)
    return done.stdout + done.stderr, done.returncode


def bought_in(folder):
    """The references in the diary of the only shop in this folder."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    facts = [orjson.loads(line) for line in lines if line.endswith(b"}")]
    return [fact["reference"] for fact in facts if fact["fact"] == "bought"]


def test_the_slice_is_bought_and_there_is_no_difference(live_shop, tmp_path):
    refused, sums = tmp_path / "refused.csv", tmp_path / "sums.csv"
    said, code = replay(live_shop, "--refused", refused, "--sums", sums)
    assert code == 0, said
    assert "No difference." in said
    one_line = " ".join(said.split())
    assert re.search(rf"{ORDERS} orders placed and confirmed in .* p50 \d+ ms, p95 \d+ ms", one_line), said
    # Customer 15769 has spent enough for the second order once the first is confirmed, and only then.
    assert re.search(r"\bvip [1-9]", said), said

    with refused.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 23
    with sums.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["ShopUnits"]) for row in rows) == UNITS
    assert all(row["FileUnits"] == row["ShopUnits"] and row["FileOrders"] == row["ShopOrders"] for row in rows)
    [scarves] = [row for row in rows if row["StockCode"] == "22801"]
    assert (scarves["Day"], scarves["ShopUnits"]) == ("2011-03-09", "21")

    # Once more, from another place: no folder of the shop, no diary, only its address and a staff account.
    staff = live_shop.demo["accounts"]["admin"]
    env = environment(
        QUICKSHOP_STAFF_LOGIN=staff["login"],
        QUICKSHOP_STAFF_PASSWORD=staff["password"],
        QUICKSHOP_STAFF_TOTP_SECRET=staff["totp_secret"],
    )
    elsewhere = ("--url", live_shop.url, "--mail-url", live_shop.demo["mail_url"], "--state", tmp_path / "state")
    charges = len(live_shop.ledger())
    said, code = replay(live_shop, *elsewhere, env=env)
    assert code == 0, said
    assert "nothing was bought in this run" in said
    assert len(live_shop.ledger()) == charges


def test_a_replay_that_was_killed_goes_on_and_buys_nothing_twice(live_shop, tmp_path):
    state = tmp_path / "state"
    options = ("--reference-prefix", "killed-", "--state", state)
    env = environment(QUICKSHOP_HOME=str(live_shop.home))
    # The first day's eleven invoices come at once, the last one five seconds later.
    first = subprocess.Popen(
        command(*options, "--speed", "200000"), cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        eventually(lambda: len(bought_in(state)) >= 3, within=120, every=0.02)
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    before = len(bought_in(state))
    assert 3 <= before < ORDERS

    said, code = replay(live_shop, *options)
    assert code == 0, said
    assert "No difference." in said
    assert len(set(bought_in(state))) == ORDERS
    ours = [reference for reference in bought_in(state) if reference.startswith("killed-")]
    assert len(ours) == ORDERS


# Of what the slice sells: a whole order, two parts of others, more than was sold, and what nobody bought.
CANCELLATIONS = """
C546300,23007,SPACEBOY BABY GIFT SET,-36,2011-03-10T12:00:00,14.95,14156,EIRE
C546300,23008,DOLLY GIRL BABY GIFT SET,-36,2011-03-10T12:00:00,14.95,14156,EIRE
C546300,23010,CIRCUS PARADE BABY GIFT SET,-36,2011-03-10T12:00:00,14.95,14156,EIRE
C546400,22801,ANTIQUE GLASS PEDESTAL BOWL,-5,2011-03-11T10:00:00,3.75,12924,United Kingdom
C546400,22778,GLASS CLOCHE SMALL,-24,2011-03-11T10:00:00,3.39,12924,United Kingdom
C546500,20713,JUMBO BAG OWLS,-300,2011-03-12T10:00:00,1.65,15769,United Kingdom
C546600,22801,ANTIQUE GLASS PEDESTAL BOWL,-1,2011-03-13T10:00:00,3.75,12924,United Kingdom
C546700,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-1,2011-03-13T10:00:00,2.55,,United Kingdom
"""


def test_cancelling_invoices_become_cancellations_and_returns(live_shop, tmp_path):
    file, refused = tmp_path / "with-cancellations.csv", tmp_path / "refused.csv"
    file.write_text(SLICE.read_text() + CANCELLATIONS.lstrip())
    options = ("--reference-prefix", "back-", "--state", tmp_path / "state", "--refused", refused)
    said, code = replay(live_shop, *options, file=file)
    assert code == 0, said
    assert "No difference." in said
    one_line = " ".join(said.split())
    assert "4 cancelling invoices undo 338 units: 2 orders are cancelled, 2 returns come back" in one_line, said
    with refused.open(newline="") as lines:
        reasons = [row["Detail"] for row in csv.DictReader(lines) if row["Reason"] == "cancels_no_sale"]
    assert reasons == [
        "invoice C545720: 1 of 1 units, no earlier sale of it to this customer",
        "invoice C545720: 1 of 1 units, no earlier sale of it to this customer",
        "invoice C546500: 100 of 300 units, no earlier sale of it to this customer",
        "invoice C546700: 1 of 1 units, names no customer",
    ]
    # Again: everything is found as it was left.
    said, code = replay(live_shop, *options, file=file)
    assert code == 0, said


def test_a_difference_is_told_and_is_a_non_zero_exit(live_shop, tmp_path):
    state = tmp_path / "state"
    options = ("--reference-prefix", "short-", "--state", state, "--from", "2011-03-20")
    said, code = replay(live_shop, *options)
    assert code == 0, said
    # The diary claims an order that nobody placed.
    [diary] = state.glob("*.jsonl")
    with diary.open("ab") as file:
        file.write(b'{"fact":"bought","reference":"short-546318","number":null,"sent_at":null}\n')
    said, code = replay(live_shop, *options[:-2], "--from", "2011-03-11")
    assert code == 1, said
    assert "short-546318 was bought 0 times" in said
    assert "2011-03-11 Fri" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--home", "/nonexistent"), "No running demo shop"),
        (("--url", "http://127.0.0.1:9"), "staff account"),
        (("--speed", "-1"), "--speed"),
        (("--speed", "nan"), "--speed"),
        (("--buyers", "0"), "--buyers"),
        (("--reference-prefix", "x" * 41), "--reference-prefix"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(options, words):
    done = subprocess.run(command(*options), cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_another_form_is_refused(live_shop):
    said, code = replay(live_shop, file=ROOT / "Makefile")
    assert code == 2
    assert "no column InvoiceNo" in said


@pytest.mark.parametrize("verified", [True, False])
def test_an_account_whose_making_was_cut_off_is_finished(live_shop, verified):
    shop, mailbox = Client(live_shop.url, 2), Mailbox(live_shop.demo["mail_url"], 2)
    member = Member(f"cut-{verified}")
    wish = {"email": member.email, "username": member.username, "password": member.password}
    shop.api("POST", "/auth/register", {**wish, "first_name": "Customer", "last_name": "Cut"})
    if verified:
        shop.api("POST", "/auth/verify-email", {"token": mailbox.link_token(member.email)})
    people = People(shop, mailbox)
    people.welcome(member.customer, known=False)
    token = people.session(member.customer).token()
    assert shop.api("GET", "/me", token=token).json()["email_verified"]
