"""E-mail by SMTP: one connection for a batch, HTML with a text alternative."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from quickshop.notifications.channels.port import Message

TIMEOUT_SECONDS = 10


class SmtpChannel:
    """Sends through `smtp://[user:password@]host[:port]` (STARTTLS where offered) or `smtps://`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, messages: Sequence[Message]) -> list[str | None]:
        """See Channel.send."""
        try:
            with self._connect() as server:
                return [self._send_one(server, m) for m in messages]
        except (OSError, smtplib.SMTPException) as error:
            return [type(error).__name__] * len(messages)

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or "127.0.0.1"
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._url.port or 465, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(host, self._url.port or 25, timeout=TIMEOUT_SECONDS)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server

    def _send_one(self, server: smtplib.SMTP, message: Message) -> str | None:
        try:
            server.send_message(self._compose(message))
        except (smtplib.SMTPException, ValueError) as error:
            return type(error).__name__
        return None

    def _compose(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, message.subject
        mail["Date"], mail["Message-ID"] = formatdate(), f"<{message.id}@quickshop>"
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail
