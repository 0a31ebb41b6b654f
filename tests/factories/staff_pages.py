"""Staff on pages: a browser's client that is signed in as one of them."""

from tests.factories.accounts import a_staff_account


def a_staff_client(app, role="admin"):
    """A client whose cookies are those of a member of staff; their account is `client.staff`."""
    client = app.test_client()
    account = a_staff_account(client, role)
    client.set_cookie("access", account.access_token)
    client.set_cookie("refresh", account.refresh_token)
    client.staff = account
    return client
