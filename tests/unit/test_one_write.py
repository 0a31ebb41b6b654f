"""Answers leave in as few writes as can be, whatever kind they are, and always whole."""

from types import SimpleNamespace

import pytest

from quickshop.runtime.one_write import OneWrite


class Wire:
    """Keeps what was written, write by write."""

    def __init__(self):
        self.writes = []

    def sendall(self, data):
        self.writes.append(bytes(data))

    def sendfile(self, file, offset, count):
        self.writes.append(file.read()[offset : offset + count])


def answer(wire, *parts, method="GET", status="200 OK", length=None, file=None):
    asked = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    response = OneWrite(asked, wire, SimpleNamespace(sendfile=None, is_ssl=False, protocol="http"))
    headers = [] if length is None else [("Content-Length", str(length))]
    response.start_response(status, [("X-Name", "value"), *headers])
    if file is not None:
        response.write_file(SimpleNamespace(filelike=file))
    for part in parts:
        response.write(part)
    response.close()
    return b"".join(wire.writes).partition(b"\r\n\r\n")


def test_head_and_body_leave_in_one_write():
    wire = Wire()
    head, _, body = answer(wire, b"whole", length=5)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nX-Name: value" in head
    assert body == b"whole"
    assert len(wire.writes) == 1


@pytest.mark.parametrize(
    ("parts", "given", "expected"),
    [
        ([], {"length": 0}, b""),
        ([b""], {"status": "204 No Content"}, b""),
        ([b"body"], {"method": "HEAD", "length": 4}, b""),
        ([b"one", b"two"], {"length": 6}, b"onetwo"),
        ([b"one", b"two"], {}, b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
    ],
)
def test_every_kind_of_answer_is_whole_and_has_one_head(parts, given, expected):
    wire = Wire()
    head, _, body = answer(wire, *parts, **given)
    assert head.count(b"HTTP/1.1") == 1
    assert body == expected


def test_the_head_of_a_file_goes_before_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    wire = Wire()
    with path.open("rb") as file:
        head, _, body = answer(wire, length=8, file=file)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"contents"


def test_nothing_leaves_before_the_body_is_there():
    """An application that fails while it makes the first of its body has then told the client nothing."""
    wire = Wire()
    asked = SimpleNamespace(method="GET", version=(1, 1), should_close=lambda: False)
    response = OneWrite(asked, wire, SimpleNamespace(sendfile=None, is_ssl=False, protocol="http"))
    response.start_response("200 OK", [("Content-Length", "5")])
    response.send_headers()
    assert wire.writes == []
