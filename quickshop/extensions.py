"""The database extension and the settings of the running application: what the core takes from Flask."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, current_app
from flask.globals import app_ctx
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from quickshop.config import Settings

_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table; constraint names are predictable so that migrations can name them."""

    metadata = MetaData(naming_convention=_NAMES)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def bind_settings(app: Flask, settings: Settings) -> None:
    """Attach the settings to the application."""
    app.extensions["quickshop.settings"] = settings


def settings() -> Settings:
    """The settings of the application whose context is active."""
    return cast(Settings, current_app.extensions["quickshop.settings"])


def context_store() -> dict[str, Any]:
    """What the application context in hand keeps for itself (a request, a task); it ends with it."""
    return app_ctx.g.__dict__
