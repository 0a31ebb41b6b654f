"""The one error of starting and stopping: a sentence for the person at the terminal."""

from __future__ import annotations


class CannotStart(Exception):
    """The shop cannot start. Its text is one clear sentence: what is wrong and what to do about it."""
