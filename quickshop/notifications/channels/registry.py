"""Which channel carries what here, by the settings. The inbox is none of these: it is a table of ours."""

from __future__ import annotations

from quickshop.extensions import settings
from quickshop.notifications.channels.files import FileChannel, SinkChannel
from quickshop.notifications.channels.port import Channel
from quickshop.notifications.channels.sms import TwilioChannel
from quickshop.notifications.channels.smtp import SmtpChannel

OUTBOUND = ("email", "sms", "push")  # in the order in which they are served


def offered(channel: str) -> bool:
    """Whether this shop has a channel at all; what it has not is not promised to anybody."""
    s = settings()
    return {"sms": s.sms_backend, "push": s.push_backend}.get(channel, "on") != "none"


def carrier(channel: str) -> Channel:
    """Who carries the messages of a channel."""
    s = settings()
    if channel == "sms" and s.sms_backend == "twilio":
        return TwilioChannel(s.twilio_api_url, s.twilio_account_sid, s.twilio_auth_token, s.sms_from)
    if channel == "email" and s.mail_backend == "smtp":
        return SmtpChannel(s.smtp_url, s.mail_from)
    backend = {"email": s.mail_backend, "sms": s.sms_backend, "push": s.push_backend}[channel]
    return FileChannel(s.mail_file, channel) if backend == "file" else SinkChannel()
