"""Pictures as somebody uploads them."""

import io

from PIL import Image


def drawn(width=900, height=700, format="JPEG", colour=(40, 120, 90), **how):
    """A picture as a file's bytes; another `colour` is another picture."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    picture.paste(colour, (0, 0, width // 3, height // 3))
    made = io.BytesIO()
    picture.save(made, format, **how)
    return made.getvalue()


def form(raw, name="photo.jpg", **fields):
    """The fields of an upload."""
    return {"file": (io.BytesIO(raw), name), **fields}
