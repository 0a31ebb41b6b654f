"""Uploaded pictures: what is taken, what is refused, and what comes out of it."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from quickshop.catalog import renditions
from quickshop.catalog.renditions import PictureRefused


def drawn(width=900, height=700, mode="RGB", format="JPEG", **how):
    """A picture with something on it, as a file."""
    picture = Image.linear_gradient("L").resize((width, height)).convert(mode)
    made = io.BytesIO()
    picture.save(made, format, **how)
    return made.getvalue()


def png_that_claims(width, height):
    """A PNG of a few hundred bytes whose header claims any size: what a pixel bomb looks like."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def reason(raw):
    with pytest.raises(PictureRefused) as refused:
        renditions.process(raw)
    return refused.value.extra["reason"]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_each_kind_of_picture_becomes_avif_and_webp_of_every_width_that_fits(format):
    made = renditions.process(drawn(1000, 500, format=format))
    assert [(r.width, r.height, r.format) for r in made] == [
        (960, 480, "avif"), (960, 480, "webp"), (640, 320, "avif"), (640, 320, "webp"),
        (320, 160, "avif"), (320, 160, "webp"),
    ]  # fmt: skip
    for rendition in made:
        shown = Image.open(io.BytesIO(rendition.body))
        assert (shown.format.lower(), shown.size) == (rendition.format, (rendition.width, rendition.height))


def test_a_small_picture_is_not_made_wider():
    assert {r.width for r in renditions.process(drawn(250, 400))} == {250}


def test_where_it_was_taken_and_by_whom_is_not_passed_on():
    exif = Image.Exif()
    exif[0x010E] = "my living room"
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    for rendition in renditions.process(drawn(exif=exif)):
        assert b"my living room" not in rendition.body
        assert not Image.open(io.BytesIO(rendition.body)).getexif()


def test_a_picture_taken_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert {(r.width, r.height) for r in renditions.process(drawn(640, 400, exif=exif))} == {(320, 512)}


def test_colours_of_another_space_are_translated_before_the_profile_is_dropped():
    made = io.BytesIO()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (300, 300), (200, 40, 40)).save(made, "PNG", icc_profile=lab.tobytes())
    for rendition in renditions.process(made.getvalue()):
        shown = Image.open(io.BytesIO(rendition.body))
        red, green, blue = shown.convert("RGB").getpixel((150, 150))
        assert abs(red - 200) < 8 and abs(green - 40) < 8 and abs(blue - 40) < 8
        assert "icc_profile" not in shown.info


def test_a_broken_colour_profile_does_no_harm():
    assert renditions.process(drawn(icc_profile=b"not a profile"))


def test_transparency_is_kept():
    made = io.BytesIO()
    Image.new("RGBA", (400, 400), (200, 10, 10, 0)).save(made, "PNG")
    for rendition in renditions.process(made.getvalue()):
        assert Image.open(io.BytesIO(rendition.body)).convert("RGBA").getpixel((5, 5))[3] == 0


def test_what_is_no_picture_is_refused_whatever_it_is_called():
    assert reason(b"") == "not_a_picture"
    assert reason(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>") == "not_a_picture"
    assert reason(b"GIF89a" + b"\0" * 100) == "not_a_picture"
    assert reason(b"%PDF-1.7\n" + b"\0" * 100) == "not_a_picture"
    assert reason(b"\xff\xd8\xff\xe0" + b"\0" * 100) == "not_a_picture"


def test_a_picture_cut_short_is_refused():
    whole = drawn(1200, 900, format="PNG")
    assert reason(whole[: len(whole) // 2]) == "damaged"


@pytest.mark.parametrize("size", [(60_000, 60_000), (8_000, 6_000), (2**31 - 1, 1)])
def test_a_pixel_bomb_is_refused_before_it_is_unpacked(size):
    assert reason(png_that_claims(*size)) == "too_many_pixels"


def test_bytes_beyond_the_limit_are_not_even_looked_at():
    assert reason(b"\0" * (renditions.LARGEST_BYTES + 1)) == "too_large"


def test_moving_and_tiny_pictures_are_refused():
    frames = [Image.new("RGB", (300, 300), c) for c in ("red", "blue")]
    made = io.BytesIO()
    frames[0].save(made, "WEBP", save_all=True, append_images=frames[1:])
    assert reason(made.getvalue()) == "animated"
    assert reason(drawn(120, 900)) == "too_small"


def test_the_same_upload_gives_the_same_files():
    first, second = (renditions.process(drawn()) for _ in range(2))
    assert [r.digest for r in first] == [r.digest for r in second]
