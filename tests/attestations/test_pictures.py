"""Photos encoded anew: what comes out, and what does not come in."""

import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from api.attestations import pictures
from api.attestations.pictures import BadPicture, encode_anew
from tests.attestations.photos import as_file, corners, jpeg, picture

UPRIGHT = ["red", "green", "blue", "white"]


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "kept"),
    [((400, 300), (400, 300)), ((2400, 1800), (1600, 1200)), ((1000, 4000), (400, 1600)), ((1, 1), (1, 1))],
)
def test_a_jpeg_of_at_most_1600_pixels_comes_out(form: str, size: tuple[int, int], kept: tuple[int, int]) -> None:
    found = encode_anew(as_file(picture(*size), form))
    image = opened(found.jpeg)
    assert (image.format, image.size, (found.width, found.height)) == ("JPEG", kept, kept)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1"])
def test_all_modes_become_colours(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    assert opened(encode_anew(as_file(picture().convert(mode), form)).jpeg).mode == "RGB"


def test_sixteen_bits_of_grey_keep_their_shade() -> None:
    deep = Image.new("I;16", (8, 8), 0x8000)
    shade = opened(encode_anew(as_file(deep, "PNG")).jpeg).getpixel((4, 4))
    assert isinstance(shade, tuple)
    assert all(abs(part - 0x80) <= 3 for part in shade)


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert opened(encode_anew(as_file(clear, "PNG")).jpeg).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright_whichever_way_the_camera_was_held(orientation: int) -> None:
    """The file's pixels are turned the other way round, and its EXIF says how to undo that."""
    undone = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = picture() if undone is None else picture().transpose(undone)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = opened(encode_anew(as_file(image, exif=exif)).jpeg)
    assert (corners(found), found.size) == (UPRIGHT, (400, 300))


def test_nothing_of_the_camera_s_metadata_is_left() -> None:
    exif = Image.Exif()
    exif[0x0110] = "Kamera Rahasia"
    exif[0x8825] = {1: "S", 2: (8.0, 11.0, 24.0)}
    data = as_file(
        picture(), exif=exif, comment=b"Catatan Rahasia", icc_profile=b"Profil Rahasia", xmp=b"<x>Rahasia</x>"
    )
    assert data.count(b"Rahasia") == 4
    found = encode_anew(data).jpeg
    assert b"Rahasia" not in found
    image = opened(found)
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert found == encode_anew(as_file(picture())).jpeg, "the same pixels are the same picture"


def test_another_picture_has_another_digest() -> None:
    one, same, other = encode_anew(jpeg()), encode_anew(jpeg()), encode_anew(jpeg(shade=90))
    assert one.sha256 == same.sha256 != other.sha256


def test_of_several_pictures_of_a_camera_the_first_is_kept() -> None:
    """Phones append a gain map as a second JPEG (MPO)."""
    several = as_file(picture(), "MPO", save_all=True, append_images=[picture(64, 48)])
    assert opened(several).format == "MPO"
    assert encode_anew(several).width == 400


def test_a_film_that_a_phone_appends_is_dropped() -> None:
    moving = jpeg() + b"\x00\x00\x00\x18ftypmp42" + b"\x11" * 4_000
    assert encode_anew(moving).jpeg == encode_anew(jpeg()).jpeg


def zipped() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("muatan.js", "alert(1)")
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims these pixels and has hardly any."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 64))]
    found = b"\x89PNG\r\n\x1a\n"
    for name, body in [*chunks, (b"IEND", b"")]:
        found += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return found


def jpeg_header(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims these pixels."""
    data = jpeg(16, 16)
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def text_bomb() -> bytes:
    """A PNG with a compressed comment of 80 MB."""
    data = as_file(picture(8, 8), "PNG")
    body = b"catatan\0\0" + zlib.compress(b"x" * 80_000_000, 1)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return data[:33] + chunk + data[33:]


def animated(form: str) -> bytes:
    return as_file(picture(32, 32), form, save_all=True, append_images=[picture(32, 32, shade=9)], duration=100)


REFUSED = [
    ("empty", b"", "it is empty"),
    ("text", b"halo", "no picture that siaga knows"),
    ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "it is an SVG"),
    ("SVG with a head", b'<?xml version="1.0"?>\n<svg/>', "a page or a script"),
    ("XML", b'<?xml version="1.0"?>\n<bentuk/>', "it is an SVG"),
    ("GIF", as_file(picture(), "GIF"), "it is a GIF"),
    ("BMP", as_file(picture(), "BMP"), "no picture that siaga knows"),
    ("TIFF", as_file(picture(), "TIFF"), "no picture that siaga knows"),
    ("HEIC", b"\0\0\0\x18ftypheic" + b"\0" * 100, "a HEIC, AVIF or a film"),
    ("EPS, which would start another program", b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture that siaga knows"),
    ("animated PNG", animated("PNG"), "it is animated"),
    ("animated WebP", animated("WEBP"), "it is animated"),
    ("half a JPEG", jpeg()[:-2000], "cut off or broken"),
    ("half a PNG", as_file(picture(), "PNG")[:-300], "cut off or broken"),
    ("half a WebP", as_file(picture(), "WEBP")[:-300], "cut off or broken"),
    ("a JPEG's first bytes", jpeg()[:20], "cut off or broken"),
    ("a JPEG that is a ZIP", jpeg() + zipped(), "it is also a ZIP archive"),
    ("a PNG that is a ZIP", as_file(picture(), "PNG") + zipped(), "it is also a ZIP archive"),
    ("a JPEG that is a PDF", as_file(picture(), comment=b"%PDF-1.7 obj"), "it is also a PDF"),
    ("a JPEG that is a page", jpeg() + b"<HTML><script>x</script>", "it is also a page or a script"),
    ("a JPEG that is PHP", as_file(picture(), comment=b"<?php system(1);"), "it is also a page or a script"),
    ("a PNG of 65,535 by 65,535", png_header(65_535, 65_535), "hundreds of millions of pixels"),
    ("a PNG of 12,000 by 12,000", png_header(12_000, 12_000), "hundreds of millions of pixels"),
    ("a PNG of 5,001 by 5,000", png_header(5_001, 5_000), "it claims 5001 by 5000 pixels"),
    ("a JPEG of 65,500 by 65,500", jpeg_header(65_500, 65_500), "hundreds of millions of pixels"),
    ("a JPEG of 10,000 by 5,001", jpeg_header(10_000, 5_001), "it claims 10000 by 5001 pixels"),
    ("a PNG of no pixels", png_header(0, 0), "cut off or broken"),
    ("a comment of 80 MB in 80 kB", text_bomb(), "cut off or broken"),
    ("very many scans", jpeg() + b"\xff\xda" * 101, "scans"),
]


@pytest.mark.parametrize(("data", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_photo_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadPicture, match=sentence) as refused:
        encode_anew(data)
    assert len(str(refused.value)) < 200


def test_more_bytes_than_a_photo_has_are_refused() -> None:
    with pytest.raises(BadPicture, match="more than 8 MB"):
        encode_anew(jpeg() + b"\0" * pictures.LARGEST_FILE)


def test_a_jpeg_of_fifty_million_pixels_is_taken_at_a_fraction_of_its_size() -> None:
    found = encode_anew(as_file(Image.new("RGB", (10_000, 5_000), (9, 99, 9)), quality=40))
    assert (found.width, found.height) == (1600, 800)


SMALL = {form: as_file(picture(40, 30), form) for form in ("JPEG", "PNG", "WEBP")}


@settings(max_examples=300)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_whatever_is_changed_in_a_file_it_is_a_picture_or_refused(form: str, data: st.DataObject) -> None:
    changed = bytearray(SMALL[form])
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(changed)), st.integers(0, len(changed))))
    try:
        found = encode_anew(bytes(changed[:end]))
    except BadPicture:
        return
    assert opened(found.jpeg).format == "JPEG"
