"""A parcel's label as a small PDF, drawn by hand: the double needs no library for it."""

from __future__ import annotations

from collections.abc import Sequence

_WIDTH, _HEIGHT = 288, 432  # 4 x 6 inches, in points


def label(lines: Sequence[str]) -> bytes:
    """One page with these lines below each other, the first one large. What Latin-1 lacks becomes a question mark."""
    text = [b"BT /F 22 Tf 20 390 Td (" + _plain(lines[0]) + b") Tj /F 12 Tf"]
    text += [b" 0 -26 Td (" + _plain(line) + b") Tj" for line in lines[1:]]
    bars = b"".join(b" %d 40 %d 60 re" % (20 + 6 * i, 2 + (ord(c) % 3)) for i, c in enumerate(lines[0][:40]))
    stream = b"".join(text) + b" ET" + bars + b" f"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> >> >>" % (_WIDTH, _HEIGHT),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return _file(objects)


def _plain(line: str) -> bytes:
    safe = line.encode("latin-1", "replace")
    return safe.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _file(objects: Sequence[bytes]) -> bytes:
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return body + end + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
