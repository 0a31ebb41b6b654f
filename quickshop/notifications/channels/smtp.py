"""E-mail by SMTP: one connection for a batch, HTML with a text alternative."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from quickshop.notifications.channels.port import ACCEPTED, Answer, Away, Message

TIMEOUT_SECONDS = 10
_FOR_GOOD = range(500, 600)


class SmtpChannel:
    """Sends through `smtp://[user:password@]host[:port]` (STARTTLS where offered) or `smtps://`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, messages: Sequence[Message]) -> Iterator[Answer]:
        """See Channel.send. A server that does not let us in is away as one that is not there."""
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(type(error).__name__) from None
        try:
            for message in messages:
                yield self._send_one(server, message)
        finally:
            self._part(server)

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

    def _part(self, server: smtplib.SMTP) -> None:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()

    def _send_one(self, server: smtplib.SMTP, message: Message) -> Answer:
        try:
            server.send_message(self._compose(message))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Answer("SMTPRecipientsRefused", final=all(code in _FOR_GOOD for code in codes))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise Away(type(error).__name__, met=True) from None
        except (smtplib.SMTPException, ValueError) as error:
            return Answer(type(error).__name__)
        return ACCEPTED

    def _compose(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, message.subject
        mail["Date"], mail["Message-ID"] = formatdate(), f"<{message.id}@quickshop>"
        for name, value in message.headers.items():
            mail[name] = value
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail
