"""Who walks the pages."""

import pytest

from tests.factories.pages import a_person, sign_in


@pytest.fixture
def member(app):
    """The id of Ada, a member with a verified address who is not signed in."""
    return a_person(app)


@pytest.fixture
def ada(client, member):
    """The id of the same member, whose browser `client` is."""
    assert sign_in(client).status_code == 303
    return member
