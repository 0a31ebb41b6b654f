"""What a token looks like, what an answer to an authorisation means, and when to ask again. Pure."""

from __future__ import annotations

import random
import re
from enum import StrEnum

from quickshop.payments.gateways.port import Answer, AnswerState

# What a provider gives in place of a card. A card number has not this form, so none gets past it.
TOKEN = re.compile(r"(tok|pm)_[A-Za-z0-9_:.-]{1,120}", re.ASCII)
LOOK_UPS_UNTIL_LOST = 3
UNKNOWN_SECONDS = 15 * 60
# A provider keeps the keys of calls for a day at least; after that the same call could be made twice.
KEYS_LAST_SECONDS = 20 * 3600
LONGEST_WAIT = 60.0


class Outcome(StrEnum):
    """What to do next."""

    PAID = "paid"  # the money is reserved
    REFUSED = "refused"  # a definite no
    CHALLENGE = "challenge"  # the shopper must act
    WAIT = "wait"  # look it up later
    EXPIRED = "expired"  # the shopper did not act in time: let it go
    GIVE_UP = "give_up"  # nobody can say, and it has been too long


def is_token(text: str) -> bool:
    """Whether a text has the form of a payment token."""
    return TOKEN.fullmatch(text) is not None


def judge(answer: Answer, *, look_ups: int, age_seconds: float) -> Outcome:
    """Judge an answer. `look_ups` counts earlier answers NOT_FOUND; `age_seconds` since the attempt was written."""
    if answer.state is AnswerState.AUTHORIZED:
        return Outcome.PAID
    if answer.state is AnswerState.DECLINED:
        return Outcome.REFUSED
    too_old = age_seconds > UNKNOWN_SECONDS
    if answer.state is AnswerState.NOT_FOUND:
        return Outcome.REFUSED if look_ups + 1 >= LOOK_UPS_UNTIL_LOST else Outcome.WAIT
    if answer.state is AnswerState.REQUIRES_ACTION:
        return Outcome.EXPIRED if too_old else Outcome.CHALLENGE
    return Outcome.GIVE_UP if too_old else Outcome.WAIT


def wait_seconds(age_seconds: float, jitter: random.Random | None = None) -> float:
    """How long to wait before asking again: about a quarter of the age, full jitter, 0.5 to 60 seconds."""
    most = min(LONGEST_WAIT, max(1.0, age_seconds / 2))
    return (jitter or random.Random()).uniform(most / 2, most)
