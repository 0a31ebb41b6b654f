"""The file's customers as members of the shop: signed up, verified by mail and signed in as a person does it."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from dataclasses import dataclass
from urllib.parse import quote, unquote

from quickshop.demo.replay.client import Answer, Client, Refused
from quickshop.kernel.clock import now
from quickshop.security import totp

_DOMAIN = "retail.quickshop.example"  # a reserved name: no mail to it can reach anybody
_GUEST_DOMAIN = "guest.quickshop.example"
_RENEW_SECONDS = 60.0
_MAIL_SECONDS = 60.0
_LINK = re.compile(r"/verify-email\?token=([^\s&\"'<>]+)")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]").sub


class NoMailbox(Exception):
    """A customer must be signed up, and there is no mailbox to read the verification mail from."""


def guest_email(reference: str) -> str:
    """The address of a guest, made from what they order."""
    return f"{_UNSAFE('-', reference)[:64]}@{_GUEST_DOMAIN}".lower()


@dataclass(frozen=True)
class Member:
    """The account of a customer. Its password is no secret: it exists where a mailbox is open to everybody."""

    customer: str

    @property
    def username(self) -> str:
        """By which the shop knows them."""
        return f"retail-{_UNSAFE('-', self.customer)}"[:32]

    @property
    def email(self) -> str:
        """Where their mail goes."""
        return f"{self.username}@{_DOMAIN}".lower()

    @property
    def password(self) -> str:
        """The same in every replay, so that a later one can sign in."""
        return "Retail-" + hashlib.sha256(self.username.encode()).hexdigest()[:16] + "1"

    @property
    def name(self) -> str:
        """On the parcel."""
        return f"Customer {self.customer}"


class Session:
    """A sign-in; its access token is renewed before it expires. May be used by several threads.

    With a TOTP secret it takes the second step, too; where the present code was used already, with the next one.
    """

    def __init__(self, shop: Client, login: str, password: str, totp_secret: str | None = None) -> None:
        self._shop = shop
        self._login = login
        self._password = password
        self._totp_secret = totp_secret
        self._lock = threading.Lock()
        self._access, self._refresh, self._good_until = "", "", 0.0

    def token(self) -> str:
        """An access token that is good for a minute at least. Raises Refused."""
        with self._lock:
            if time.monotonic() > self._good_until - _RENEW_SECONDS:
                self._keep(self._renewed() or self._signed_in())
            return self._access

    def _signed_in(self) -> Answer:
        try:
            return self._shop.api("POST", "/auth/login", {"login": self._login, "password": self._password})
        except Refused as refusal:
            if refusal.code != "two_factor_required" or not self._totp_secret:
                raise
            return self._second_step(refusal.problem["challenge"], self._totp_secret)

    def _second_step(self, challenge: str, secret: str) -> Answer:
        for last in (False, False, True):
            answer = {"challenge": challenge, "code": totp.code_of(secret, totp.step_of(now()))}
            try:
                return self._shop.api("POST", "/auth/login/2fa", answer)
            except Refused as refusal:
                if last or refusal.code != "code_wrong":
                    raise
            # Somebody signed in with this code before us: the next step brings another.
            time.sleep(totp.STEP_SECONDS - now().timestamp() % totp.STEP_SECONDS + 0.1)
        raise AssertionError("unreachable")

    def _renewed(self) -> Answer | None:
        if not self._refresh:
            return None
        try:
            return self._shop.api("POST", "/auth/refresh", token=self._refresh)
        except Refused:
            return None  # the session is over: sign in anew

    def _keep(self, answer: Answer) -> None:
        pair = answer.json()
        self._access, self._refresh = pair["access_token"], pair["refresh_token"]
        self._good_until = time.monotonic() + pair["expires_in"]


class Mailbox:
    """The mailbox of the development shop, read over HTTP."""

    def __init__(self, url: str, connections: int) -> None:
        self._client = Client(url, connections)

    def link_token(self, to: str, wait: float = _MAIL_SECONDS) -> str | None:
        """The token of the newest mailed link to an address; None where none comes in time."""
        deadline, pause = time.monotonic() + wait, 0.05
        while True:
            for message in self._client.call("GET", f"?to={quote(to)}&limit=5").json():
                found = _LINK.search(message.get("text") or "")
                if found:
                    return unquote(found[1])
            if time.monotonic() > deadline:
                return None
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)


class People:
    """Opens the account of every customer that buys, once."""

    def __init__(self, shop: Client, mailbox: Mailbox | None) -> None:
        self._shop = shop
        self._mailbox = mailbox
        self._sessions: dict[str, Session] = {}

    def session(self, customer: str) -> Session:
        """The session of a customer who was welcomed."""
        return self._sessions[customer]

    def welcome(self, customer: str, *, known: bool) -> None:
        """See that the customer has a verified account and is signed in. Raises Refused, NoMailbox.

        `known` says that an earlier replay saw to it. Each customer by one thread only.
        """
        member = Member(customer)
        session = Session(self._shop, member.email, member.password)
        if not known:
            fresh = self._sign_up(member)
            if not (fresh or self._is_verified(session)):
                self._verify_again(member, session)
        session.token()
        self._sessions[customer] = session

    def _sign_up(self, member: Member) -> bool:
        """Register and verify; False where the username, which only we choose so, is there already."""
        if self._mailbox is None:
            raise NoMailbox(f"{member.email} cannot be signed up without the mailbox: give its address as --mail-url.")
        wish = {
            "email": member.email,
            "username": member.username,
            "password": member.password,
            "first_name": "Customer",
            "last_name": member.customer,
        }
        try:
            self._shop.api("POST", "/auth/register", wish)
        except Refused as refusal:
            if "username" in refusal.problem.get("errors", {}):
                return False
            raise
        return self._verify(member)

    def _verify(self, member: Member, wait: float = _MAIL_SECONDS) -> bool:
        """Follow the mailed link; False where no mail came or its link was used before."""
        token = self._mailbox.link_token(member.email, wait) if self._mailbox else None
        if token is None:
            return False
        try:
            self._shop.api("POST", "/auth/verify-email", {"token": token})
        except Refused:
            return False
        return True

    def _is_verified(self, session: Session) -> bool:
        return bool(self._shop.api("GET", "/me", token=session.token()).json()["email_verified"])

    def _verify_again(self, member: Member, session: Session) -> None:
        """For an account whose making was cut off: its first mail, else a new one."""
        if self._verify(member, wait=2.0):
            return
        self._shop.api("POST", "/auth/resend-verification", {"email": member.email})
        time.sleep(1.0)
        if not self._verify(member) and not self._is_verified(session):
            raise NoMailbox(f"No verification mail for {member.email} came; try again in a minute.")
