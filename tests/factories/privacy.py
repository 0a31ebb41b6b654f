"""Somebody of whom the shop knows everything it can know, each value findable, and a search of the whole database."""

import base64
import io
import re
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from quickshop.accounts.people import email_index, load_person
from quickshop.accounts.queries import user_id_of_login
from quickshop.catalog.renditions import Rendition
from quickshop.extensions import Base, settings
from quickshop.kernel import db
from quickshop.kernel.crypto import blind_index
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import processing
from quickshop.returns import photos
from tests.factories import returns
from tests.factories.accounts import an_account
from tests.factories.shop import ADDRESS, a_variant

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


@dataclass
class Known:
    """An account, and what may be found of it: `open` values that its owner is shown, `hidden` ones that nobody is."""

    account: object
    user_id: uuid.UUID
    person_id: uuid.UUID
    open: dict
    hidden: dict

    @property
    def everything(self):
        """Every value as bytes, by name."""
        found = self.open | self.hidden
        return {name: value if isinstance(value, bytes) else value.encode() for name, value in found.items()}


def somebody_known(client, mark):
    """A member with a value of their own in every personal field there is; `mark` makes the values theirs.

    Registered, signed in and ordered by the API; what other verbs write is put in place as they would.
    """
    person = {
        "email": f"{mark}-mailbox@canary.example",
        "username": f"{mark}username",
        "first_name": f"{mark}-Firstname",
        "last_name": f"{mark}-Lastname",
        "phone": "+44 20 " + "".join(str(ord(letter) % 10) for letter in mark) + " 4711",
    }
    order_address = ADDRESS | {
        "name": f"{mark}-Recipient",
        "line1": f"{mark}-Orderstreet 1",
        "city": f"{mark}-Ordercity",
    }
    billing = ADDRESS | {"name": f"{mark}-Payer", "line1": f"{mark}-Billstreet 2"}
    book = ADDRESS | {"name": f"{mark}-Bookname", "line1": f"{mark}-Bookstreet 3"}
    account = an_account(client, **person)
    account.sign_in(**{"User-Agent": f"{mark}-Browser/1.0"})
    open_values = {
        **person,
        "device": f"{mark}-Browser/1.0",
        "network": f"{mark}-network",
        "recipient": order_address["name"],
        "order street": order_address["line1"],
        "order city": order_address["city"],
        "payer": billing["name"],
        "billing street": billing["line1"],
        "book name": book["name"],
        "book street": book["line1"],
        "client reference": f"{mark}-reference",
        "passkey": f"{mark}-Passkey",
        "push device": f"{mark}-Handset",
        "topic": f"{mark}-topic",
        "card brand": f"{mark}-Brand",
        "api key": f"{mark}-Integration",
        "account log": f"{mark}-logged",
        "question": f"{mark}-question",
        "question's words": f"{mark}-asked-support",
        "file's name": f"{mark}-file.txt",
        "return's words": f"{mark}-sent-back",
    }
    hidden = {
        "card token": f"tok_{mark}_card",
        "push token": f"{mark}-push-token",
        "second factor": f"{mark}-totp-secret",
        "idempotency key": f"{mark}-idempotency",
        "challenge": f"{mark}-challenge",
        "wanted address": f"{mark}-wanted@canary.example",
        "next action": f"{mark}-challenge-page",
        "older payment token": f"tok_{mark}_older",
        "file's content": f"{mark} shows support this",
        "return's picture": f"{mark} shows that the handle of the mug is broken off",
    }
    app = client.application
    with app.app_context():
        variant = a_variant(stock=50)
        with reading():
            user_id = user_id_of_login(person["email"])
            own = load_person(db.scalar("SELECT person_id FROM users WHERE id = :id", id=user_id))
            hidden["email index"] = email_index(person["email"])
            hidden["search word"] = blind_index(settings().index_key, "word", person["last_name"].casefold())
            hidden["credential"] = f"{mark}-credential".encode()
    # Requests must not share the context of what runs beside them.
    wish = {"shipping_address": order_address, "billing_address": billing, "shipping_method": "standard"}
    order_id = _order(account, variant, wish | {"client_reference": open_values["client reference"]}, hidden)
    with app.app_context():
        processing.process(order_id)
        _send_back(order_id, open_values["return's words"], hidden["return's picture"])
        run_unit(lambda: _write_the_rest(user_id, own, order_id, book, open_values, hidden))
    _fill_cart(account, variant)
    _ask_support(account, open_values, hidden)
    return Known(account, user_id, own.id, open_values, hidden)


def _call(account, method, path, body=None, **headers):
    answer = account.client.open(f"/api/v1{path}", method=method, json=body, headers=account.headers | headers)
    assert answer.status_code < 300, answer.text
    return answer


def _fill_cart(account, variant):
    _call(account, "POST", "/cart/items", {"variant_id": str(variant), "quantity": 2})


def _send_back(order_id, words, picture):
    """The order arrives, and its shopper thinks of returning it."""
    with reading():
        order = db.row("SELECT number FROM orders WHERE id = :id", id=order_id)
    returns.ask(returns.deliver(order), note=words)
    file = Rendition(200, 200, "webp", picture.encode())
    run_unit(lambda: photos.add(order.number, 1, returns.STAFF, [file]))
    returns.withdraw(order)


def _ask_support(account, shown, hidden):
    asked = {"subject": shown["question"], "body": shown["question's words"]}
    path = f"/api/v1/tickets/{_call(account, 'POST', '/tickets', asked).json['id']}/attachments"
    file = (io.BytesIO(hidden["file's content"].encode()), shown["file's name"])
    assert account.client.post(path, data={"file": file}, headers=account.headers).status_code == 201


def _order(account, variant, wish, hidden):
    """Place an order; its id."""
    _fill_cart(account, variant)
    asked = {name: wish[name] for name in ("shipping_address", "shipping_method")}
    total = _call(account, "POST", "/checkout/quote", asked).json["totals"]["total"]
    wish = wish | {"payment": {"token": "tok_approve"}, "expected_total": total}
    made = _call(account, "POST", "/orders", wish, **{"Idempotency-Key": hidden["idempotency key"]})
    return uuid.UUID(made.json["id"])


def _write_the_rest(user_id, own, order_id, book, shown, hidden):
    address_id, method_id, digest = new_id(), new_id(), new_id().bytes
    token_index = blind_index(settings().index_key, "push_device", hidden["push token"])
    card_index = blind_index(settings().index_key, "payment_token", hidden["card token"])
    hidden |= {"push index": token_index, "card index": card_index}
    statements = {
        "UPDATE sessions SET network = :network WHERE user_id = :user": {"network": shown["network"]},
        """INSERT INTO addresses (id, user_id, sealed, country, default_shipping)
           VALUES (:id, :user, :sealed, 'GB', true)""": {
            "id": address_id,
            "sealed": own.seal(book, f"addresses/sealed/{address_id}"),
        },
        """INSERT INTO preferences (user_id, topic, channel, enabled)
           VALUES (:user, :topic, 'email', true)""": {"topic": shown["topic"]},
        """INSERT INTO push_devices (user_id, token_index, token, platform, name)
           VALUES (:user, :index, :token, 'web', :name)""": {
            "index": token_index,
            "token": own.seal(hidden["push token"], f"push_devices/token/{user_id}.{token_index.hex()}"),
            "name": shown["push device"],
        },
        """INSERT INTO payment_methods (id, user_id, provider, token, token_index, brand, last4, exp_month, exp_year,
           is_default) VALUES (:id, :user, 'simulator', :token, :index, :brand, '4242', 7, 2031, true)""": {
            "id": method_id,
            "token": own.seal(hidden["card token"], f"payment_methods/token/{method_id}"),
            "index": card_index,
            "brand": shown["card brand"],
        },
        "INSERT INTO search_words (user_id, word) VALUES (:user, :word)": {"word": hidden["search word"]},
        "INSERT INTO two_factors (user_id, secret, enabled_at) VALUES (:user, :secret, NULL)": {
            "secret": own.seal(hidden["second factor"], f"two_factors/secret/{user_id}")
        },
        "INSERT INTO recovery_codes (user_id, code_hash) VALUES (:user, :hash)": {"hash": digest},
        """INSERT INTO passkeys (id, user_id, credential_id, public_key, name)
           VALUES (:id, :user, :credential, :hash, :name)""": {
            "id": new_id(),
            "credential": hidden["credential"],
            "hash": digest,
            "name": shown["passkey"],
        },
        """INSERT INTO challenges (token_hash, user_id, purpose, data, expires_at)
           VALUES (:hash, :user, 'passkey_login', CAST(:data AS jsonb), now() + interval '1 minute')""": {
            "hash": digest,
            "data": dump({"challenge": hidden["challenge"]}),
        },
        """INSERT INTO email_tokens (token_hash, user_id, purpose, expires_at, sealed)
           VALUES (:hash, :user, 'change_email', now() + interval '1 hour', :sealed)""": {
            "hash": digest,
            "sealed": own.seal(hidden["wanted address"], f"email_tokens/sealed/{user_id}"),
        },
        """INSERT INTO api_keys (id, name, key_hash, hint, scopes, created_by)
           VALUES (:id, :name, :hash, 'abcd', '{}', :user)""": {
            "id": new_id(),
            "name": shown["api key"],
            "hash": digest,
        },
        """INSERT INTO account_events (user_id, seq, type, at, data)
           VALUES (:user, 999, 'account.tested', now(), CAST(:data AS jsonb))""": {
            "data": dump({"word": shown["account log"]})
        },
    }
    for sql, params in statements.items():
        db.run(sql, user=user_id, **params)
    db.run(
        "UPDATE orders SET payment_token = :token, next_action = CAST(:action AS jsonb) WHERE id = :id",
        id=order_id,
        token=hidden["older payment token"],
        action=dump({"url": hidden["next action"]}),
    )


# --- searching -----------------------------------------------------------------------------------------


def found_in_database(servers, wanted, keys):
    """Where values stand in any column of any table: as they are, in base64, or sealed by one of the keys.

    What is sealed is opened without its place (the cipher's key stream alone), so nothing hides behind a wrong one.
    """
    places = set()
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            for (value,) in servers.run(f'SELECT {_raw(column)} FROM {table.name} WHERE "{column.name}" IS NOT NULL'):
                for text in _readings(bytes(value) if not isinstance(value, str) else value.encode(), keys):
                    places |= {(table.name, column.name, name) for name, word in wanted.items() if _holds(text, word)}
    return places


def _raw(column):
    """Bytes as they are; everything else as text."""
    return f'"{column.name}"' if column.type.python_type is bytes else f'CAST("{column.name}" AS text)'


def _holds(text, word):
    return word in text or word.hex().encode() in text


def _readings(value, keys):
    """A value and all that can be made of it."""
    layers = [value, *(base64.b64decode(found + b"==") for found in _BASE64.findall(value))]
    for layer in layers:
        yield layer
        for key in keys:
            for opened in _streams(layer, key):
                yield opened
                yield from (base64.b64decode(found + b"==") for found in _BASE64.findall(opened))


def _streams(sealed, key):
    """What AES-GCM decrypts to with this key, whatever it was bound to; a version may stand before the nonce."""
    for start in (1, 0):
        if len(sealed) > start + 12 + 16:
            counter = sealed[start : start + 12] + b"\0\0\0\2"
            stream = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
            yield stream.update(sealed[start + 12 : -16])


def keys_that_remain(app):
    """Every key that the shop can still unwrap, and the master keys themselves."""
    with app.app_context(), reading():
        remaining = db.rows("SELECT id FROM persons WHERE wrapped_key IS NOT NULL")
        return [load_person(row.id).key for row in remaining] + [key for _, key in settings().master_keys]
