"""Access tokens as the shop makes them, and a zoo of those it must refuse, wherever a token is taken."""

import base64
import json
import time

import jwt


def parts_of(app, token):
    """A real token's header and claims, and the shop's signing key."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.get_unverified_header(token), claims, app.config["JWT_SECRET_KEY"]


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def made(parts, *, header=None, key=None, drop=(), algorithm="HS256", **changes):
    """A token like the real one but for the changes."""
    real_header, claims, real_key = parts
    claims = {k: v for k, v in (claims | changes).items() if k not in drop}
    headers = {k: v for k, v in (real_header | (header or {})).items() if k != "alg"}
    return jwt.encode(claims, key or real_key, algorithm=algorithm, headers=headers)


def signed(parts, claims):
    """Whatever claims, of any kind, under the shop's own signature (the library checks none of them here)."""
    header, _, key = parts
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm="HS256", headers=header)


FORGED = {
    "no algorithm": lambda p: f"{encoded({**p[0], 'alg': 'none'})}.{encoded(p[1])}.",
    "no algorithm, other case": lambda p: f"{encoded({**p[0], 'alg': 'NoNe'})}.{encoded(p[1])}.",
    "no signature": lambda p: made(p).rpartition(".")[0] + ".",
    "another key": lambda p: made(p, key="another-key-of-thirty-two-characters!"),
    "an empty key": lambda p: made(p, key="\0" * 32),
    "another algorithm of the family": lambda p: made(p, algorithm="HS512"),
    "a foreign key id": lambda p: made(p, header={"kid": "other"}),
    "a key brought along": lambda p: made(p, header={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "a key set address": lambda p: made(p, header={"jku": "http://127.0.0.1/keys"}),
    "a certificate address": lambda p: made(p, header={"x5u": "http://127.0.0.1/x"}),
    "a path as key id": lambda p: made(p, header={"kid": "../../dev/null"}),
    "another audience": lambda p: made(p, aud="another-shop"),
    "no audience": lambda p: made(p, drop=["aud"]),
    "another issuer": lambda p: made(p, iss="another-shop"),
    "no issuer": lambda p: made(p, drop=["iss"]),
    "no expiry": lambda p: made(p, drop=["exp"]),
    "no session": lambda p: made(p, drop=["sid"]),
    "no id": lambda p: made(p, drop=["jti"]),
    "no subject": lambda p: made(p, drop=["sub"]),
    "a number as subject": lambda p: made(p, sub=7),
    "a subject that is no id": lambda p: made(p, sub="robin"),
    "a session that is no id": lambda p: made(p, sid="1 OR 1=1"),
    "a session as a list": lambda p: made(p, sid=["x"]),
    "an expiry in words": lambda p: made(p, exp="tomorrow"),
    "not yet valid": lambda p: made(p, nbf=int(time.time()) + 3600),
    "of kind refresh": lambda p: made(p, type="refresh"),
    "of no kind that we know": lambda p: made(p, type="admin"),
    "tampered claims": lambda p: ".".join(
        [made(p).split(".")[0], encoded({**p[1], "sub": "x"}), made(p).split(".")[2]]
    ),
    "no token at all": lambda p: "x",
    "two parts": lambda p: "a.b",
    "broken base64": lambda p: "!!!.???.###",
    "a list as header": lambda p: f"{encoded([1])}.{encoded(p[1])}.{encoded(b'x')}",
    "not JSON inside": lambda p: f"{encoded(b'{')}.{encoded(b'{')}.{encoded(b'x')}",
    "very long": lambda p: "a" * 5000,
}
