"""A device with passkeys, in Python: makes keys and signs challenges as a browser would hand them on."""

import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, KEY_INSIDE = 0x01, 0x04, 0x40


class Authenticator:
    """One device; `origin` is the page that its browser shows, `verified` whether it knows its user."""

    def __init__(self, origin, rp_id="localhost", *, verified=True, counts=True):
        self.origin, self.rp_id, self.verified, self.counts = origin, rp_id, verified, counts
        self.count = 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(16)
        self.user_handle = None

    def _data(self, more=b"", flags=0):
        self.count += 1 if self.counts else 0
        flags |= PRESENT | (VERIFIED if self.verified else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big") + more

    def _client(self, kind, options):
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _credential(self, **response):
        encoded = {name: bytes_to_base64url(value) for name, value in response.items() if value is not None}
        name = bytes_to_base64url(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": encoded}

    def create(self, options):
        """What `navigator.credentials.create()` gives."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        inside = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(inside, KEY_INSIDE)})
        client = self._client("webauthn.create", options)
        made = self._credential(clientDataJSON=client, attestationObject=attestation)
        made["response"]["transports"] = ["internal", "unheard-of"]
        return made

    def get(self, options):
        """What `navigator.credentials.get()` gives."""
        data, client = self._data(), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=self.user_handle
        )
