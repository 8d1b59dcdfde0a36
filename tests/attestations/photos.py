"""Real photos made by Pillow: gradients with four corners that tell which way is up."""

from io import BytesIO

from PIL import Image

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (250, 250, 250)


def picture(width: int = 400, height: int = 300, *, shade: int = 128) -> Image.Image:
    """A picture whose corners are red, green, blue and white, clockwise from the top left, on grey."""
    image = Image.new("RGB", (width, height), (shade, shade, shade))
    half = (width // 4, height // 4)
    for colour, at in (
        (RED, (0, 0)),
        (GREEN, (width - half[0], 0)),
        (BLUE, (width - half[0], height - half[1])),
        (WHITE, (0, height - half[1])),
    ):
        image.paste(colour, (*at, at[0] + half[0], at[1] + half[1]))
    return image


def as_file(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """The bytes of a file of this form."""
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def jpeg(width: int = 400, height: int = 300, *, shade: int = 128) -> bytes:
    """A JPEG; another shade is another picture."""
    return as_file(picture(width, height, shade=shade), quality=90)


def corners(image: Image.Image) -> list[str]:
    """The colours of the corners, clockwise from the top left."""
    width, height = image.size
    named = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
    found = []
    for at in ((4, 4), (width - 5, 4), (width - 5, height - 5), (4, height - 5)):
        pixel = image.getpixel(at)
        assert isinstance(pixel, tuple)
        near = {name: sum(abs(a - b) for a, b in zip(pixel, colour, strict=True)) for name, colour in named.items()}
        found.append(min(near, key=near.__getitem__))
    return found
