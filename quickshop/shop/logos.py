"""The shop's mark: an upload becomes a small PNG without metadata, kept by its digest."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image, ImageOps

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound, ShopError

LARGEST_BYTES = 2 * 1024 * 1024
LARGEST_PIXELS = 16_000_000
# Sharp in print at the size it has on paper, 60 by 18 mm at most.
BOX = (900, 270)
_READ = ("PNG", "JPEG", "WEBP")


class LogoRefused(ShopError):
    """The upload is no picture that can be a logo; `reason` is a machine word."""

    status, code, title = 422, "logo_refused", "This logo cannot be used"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)


def prepare(raw: bytes) -> bytes:
    """The upload as PNG of 900 by 270 pixels at most. Raises LogoRefused. CPU work: never inside a transaction."""
    if len(raw) > LARGEST_BYTES:
        raise LogoRefused("too_large", f"A logo may have {LARGEST_BYTES // 1024**2} MiB at most.")
    try:
        with warnings.catch_warnings():
            # Size is judged from the header, here and by us, before a pixel is decoded.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(raw), formats=_READ)
            if opened.width * opened.height > LARGEST_PIXELS:
                raise LogoRefused("too_many_pixels", f"A logo may have {LARGEST_PIXELS // 10**6} megapixels at most.")
            upright = ImageOps.exif_transpose(opened)
            picture = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except LogoRefused:
        raise
    except Exception:
        raise LogoRefused("not_a_picture", "Upload a PNG, JPEG or WebP picture.") from None
    picture.thumbnail(BOX, Image.Resampling.LANCZOS)
    made = io.BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()


def keep(png: bytes) -> str:
    """Keep a prepared logo; its digest in hex. Writes; the caller commits. Again changes nothing."""
    digest = hashlib.sha256(png)
    db.run(
        "INSERT INTO shop_logos (digest, body) VALUES (:digest, :body) ON CONFLICT DO NOTHING",
        digest=digest.digest(),
        body=png,
    )
    return digest.hexdigest()


def read(digest: str) -> bytes:
    """A logo as PNG. Raises NotFound."""
    try:
        named = bytes.fromhex(digest)
    except ValueError:
        raise NotFound("logo") from None
    body = db.scalar("SELECT body FROM shop_logos WHERE digest = :digest", digest=named)
    if body is None:
        raise NotFound("logo")
    return bytes(body)
