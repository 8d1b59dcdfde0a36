"""Photos from outside, encoded anew: what is kept is a JPEG made here, of nothing but the pixels.

A file is looked at before it is decoded: its size in bytes, its form, the pixels that its header claims, how many scans
it has. One that is also something else (a ZIP, a PDF, a page, a script) is refused, though nothing of that would be
left. What cameras append (a second picture, a short film) is dropped.
"""

import hashlib
import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

__all__ = ["LARGEST_FILE", "LONGEST_SIDE", "BadPicture", "Picture", "encode_anew"]

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes of a photo as it comes; a phone's of 12 to 50 million pixels has 3 to 8 MB."""
LONGEST_SIDE = 1600
"""Pixels (contract, section 5)."""
QUALITY = 80
"""Of JPEG: 200 to 400 kB for 1600 by 1200 pixels of outdoors."""
MOST_PIXELS = {"JPEG": 50_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
"""By form. A JPEG is decoded at a fraction of its size; the others whole: 100 MB, and copied once."""
MOST_SCANS = 100
"""Of a progressive JPEG with its previews; encoders write about ten each. Every scan goes over the whole picture."""
_ORIENTATION = 0x0112
"""EXIF 2.3, section 4.6.4: how the picture is to be turned."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    UserWarning,  # where warnings are errors
    struct.error,
    zlib.error,
)
"""What Pillow raises over files that are broken, or made to break it."""
_OURS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How a JPEG and a PNG begin; a WebP's RIFF is many things."""
_ALSO = (
    ("a ZIP archive", re.compile(rb"PK\x05\x06.{18}", re.DOTALL)),
    ("a PDF", re.compile(rb"%PDF-\d")),
    ("a page or a script", re.compile(rb"<(?:html|script|svg|body|iframe)\b|<!doctype html|<\?php", re.IGNORECASE)),
)
"""What else a file may be for a program that looks for it anywhere in it."""


class BadPicture(ValueError):
    """A file that is no photo to be kept; the message is the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as it is kept: a JPEG without metadata, turned upright. `sha256` tells the same picture again."""

    jpeg: bytes
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """The digest of the JPEG, in hexadecimal: of equal pixels it is equal, whatever was written beside them."""
        return hashlib.sha256(self.jpeg).hexdigest()

    @property
    def columns(self) -> dict[str, object]:
        """The columns that each table with photos has of one."""
        size = {"width": self.width, "height": self.height, "bytes": len(self.jpeg)}
        return size | {"sha256": self.sha256, "jpeg": self.jpeg}


def encode_anew(data: bytes) -> Picture:
    """Returns the picture of a file, at most 1600 pixels a side, upright, on white where it was transparent.

    It takes up to 250 MB for a moment: one at a time.

    Raises:
        BadPicture: it is too large, no JPEG, PNG or WebP, animated, cut off or broken, or something else as well.
    """
    if len(data) > LARGEST_FILE:
        raise BadPicture(f"it has more than {LARGEST_FILE // 1024 // 1024} MB: send it smaller")
    _check_beside(data)
    try:
        return _encoded(data)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture("it claims hundreds of millions of pixels: send it smaller") from None
    except UnidentifiedImageError:
        if data.startswith(_OURS):
            raise BadPicture("it is cut off or broken: its header cannot be read") from None
        raise BadPicture(f"it is {_form(data)}: send a JPEG, PNG or WebP") from None
    except _BROKEN as problem:
        raise BadPicture(f"it is cut off or broken and cannot be decoded ({_short(problem)})") from None


def _check_beside(data: bytes) -> None:
    """Refuse a file that another program would take for something else, or whose scans take for ever."""
    for what, pattern in _ALSO:
        found = pattern.search(data)
        if found is not None and found.start() > 0:
            raise BadPicture(f"it is also {what}: send the photo alone")
    if data.count(b"\xff\xda") > MOST_SCANS:  # inside of a scan 0xff is followed by 0x00
        raise BadPicture(f"it has more than {MOST_SCANS} scans: save it anew")


def _encoded(data: bytes) -> Picture:
    with Image.open(BytesIO(data), formats=tuple(MOST_PIXELS)) as image:
        form = "JPEG" if image.format == "MPO" else str(image.format)  # several JPEGs in one; the first is the photo
        width, height = image.size
        if width * height > MOST_PIXELS[form]:
            most = MOST_PIXELS[form] // 1_000_000
            raise BadPicture(
                f"it claims {width} by {height} pixels, and a {form} may have {most} million: send it smaller"
            )
        if form != "JPEG" and getattr(image, "n_frames", 1) > 1:
            raise BadPicture("it is animated: send a photo")
        turn = _turn(image)
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        if form == "JPEG":
            image.draft("RGB", (max(1, round(width * scale)), max(1, round(height * scale))))
        image.load()
        small = _in_colours(image)
        # First smaller, then all else: every copy of 25 million pixels takes 100 MB
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    small = _on_white(small if turn is None else small.transpose(turn))
    # A new picture holds the pixels and nothing that came with them: Pillow writes a comment on by itself
    clean = Image.new("RGB", small.size)
    clean.paste(small)
    out = BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Picture(out.getvalue(), *clean.size)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How the picture is to be turned to stand upright. Metadata that cannot be read say nothing."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return None


def _in_colours(image: Image.Image) -> Image.Image:
    """The picture in three colours, and with transparency if it has any."""
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode.startswith("I;16") or image.mode == "I":  # 16 bits of grey
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency."""
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _form(data: bytes) -> str:
    """What a file that is no picture of ours looks like."""
    head = data[:64].lstrip().lower()
    if not data:
        return "empty"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "a GIF"
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or a film"
    if head.startswith((b"<?xml", b"<svg", b"<!doctype svg")):
        return "an SVG"
    return "no picture that siaga knows"


def _short(problem: BaseException) -> str:
    return str(problem)[:100] or type(problem).__name__
