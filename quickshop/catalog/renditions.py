"""Turning an uploaded picture into the files the shop serves: checked by its content, stripped, re-encoded.

Pure: bytes in, bytes out; nothing of the upload itself is ever served. CPU work: never inside a transaction.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from quickshop.kernel.errors import ShopError

LARGEST_BYTES = 15 * 1024 * 1024
# Decoded, a pixel takes 4 bytes: 40 megapixels are 160 MB for the second or two that the work takes.
LARGEST_PIXELS = 40_000_000
SMALLEST_SIDE = 200
WIDTHS = (320, 640, 960, 1600)
FORMATS = ("avif", "webp")

_READ = ("JPEG", "PNG", "WEBP", "AVIF")
# Chosen by eye on product photos; AVIF at speed 8 costs a third of speed 6 and five per cent more bytes.
_SRGB = ImageCms.createProfile("sRGB")
_ENCODING = {"avif": {"quality": 60, "speed": 8}, "webp": {"quality": 80, "method": 4}}


class PictureRefused(ShopError):
    """The upload is no picture that the shop takes; `reason` is a machine word."""

    status, code, title = 422, "picture_refused", "This picture cannot be used"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)


@dataclass(frozen=True)
class Rendition:
    """One file to serve: a width in pixels and a format ("avif" or "webp"). `digest` names it for good."""

    width: int
    height: int
    format: str
    body: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the body."""
        return hashlib.sha256(self.body).hexdigest()


def read(raw: bytes) -> Image.Image:
    """The upload as upright pixels without metadata, RGB or RGBA.

    Raises PictureRefused: too large, no JPEG, PNG, WebP or AVIF whatever its name says, too many pixels (a small file
    may unpack to gigabytes), animated, too small, or damaged.
    """
    if len(raw) > LARGEST_BYTES:
        raise PictureRefused("too_large", f"A picture may have {LARGEST_BYTES // 1024**2} MiB at most.")
    opened = _open(raw)
    width, height = opened.size
    if width * height > LARGEST_PIXELS:
        raise PictureRefused("too_many_pixels", f"A picture may have {LARGEST_PIXELS // 10**6} megapixels at most.")
    if min(width, height) < SMALLEST_SIDE:
        raise PictureRefused("too_small", f"A picture must measure {SMALLEST_SIDE} pixels or more on each side.")
    if getattr(opened, "n_frames", 1) > 1:
        raise PictureRefused("animated", "Moving pictures are not shown in the shop; upload a still one.")
    return _pixels(opened)


def _open(raw: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Size is judged from the header, here and by us, before a pixel is decoded.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(raw), formats=_READ)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefused(
            "too_many_pixels", f"A picture may have {LARGEST_PIXELS // 10**6} megapixels at most."
        ) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise PictureRefused("not_a_picture", "Upload a JPEG, PNG, WebP or AVIF picture.") from None


def _pixels(opened: Image.Image) -> Image.Image:
    try:
        upright = ImageOps.exif_transpose(opened)
        transparent = upright.has_transparency_data
        return _in_srgb(upright.convert("RGBA" if transparent else "RGB"), upright.info.get("icc_profile"))
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError):
        raise PictureRefused("damaged", "This picture is damaged; it could not be read to its end.") from None


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The same colours without the profile: files without one are taken to be sRGB."""
    picture.info.pop("icc_profile", None)
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ImageCms.profileToProfile(picture, theirs, _SRGB, inPlace=True)
        picture.info.pop("icc_profile", None)
    return picture


def widths_for(width: int) -> list[int]:
    """The widths to make of a picture this wide: never wider than it is, and at least one."""
    fitting = [w for w in WIDTHS if w <= width]
    return fitting or [width]


def render(picture: Image.Image, formats: Sequence[str] = FORMATS) -> Iterator[Rendition]:
    """Every file of a picture, widest first, each of them without the metadata it came with."""
    for width in reversed(widths_for(picture.width)):
        height = max(1, round(picture.height * width / picture.width))
        resized = picture.resize((width, height), Image.Resampling.LANCZOS)
        for name in formats:
            made = io.BytesIO()
            resized.save(made, name.upper(), **_ENCODING[name])
            yield Rendition(width, height, name, made.getvalue())


def process(raw: bytes) -> list[Rendition]:
    """Check an upload and make all of its files. Raises PictureRefused."""
    return list(render(read(raw)))
