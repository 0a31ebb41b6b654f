"""Cross-site request forgery: Flask-WTF's token on every unsafe request of a page. The API reads no cookie."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from blueprints.http.errors import wants_problem
from quickshop.extensions import settings

csrf = CSRFProtect()


class PageSessions(SecureCookieSessionInterface):
    """Flask's signed session cookie, for pages only: under the API it is neither read nor written."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a page request, an empty one that cannot be written elsewhere."""
        if wants_problem(request.path):
            return NullSession()
        return super().open_session(app, request)


def install_csrf(app: Flask) -> None:
    """Give pages their token; the gatekeeper checks it."""
    with app.app_context():
        secure = settings().secure_cookies
    app.session_interface = PageSessions()
    app.config.update(
        SESSION_COOKIE_NAME="__Host-page" if secure else "page",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_HEADERS=["X-CSRF-Token", "X-CSRFToken"],
        WTF_CSRF_SSL_STRICT=secure,
        WTF_CSRF_CHECK_DEFAULT=False,  # the gatekeeper calls `csrf.protect` itself, for pages
    )
    csrf.init_app(app)
