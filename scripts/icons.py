"""Draws the icons of the installed app, with the shapes of `api/web/static/siaga.svg`.

Run as `.venv/bin/python scripts/icons.py`.
"""

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "api" / "web" / "static"
GREEN, WHITE = "#0b5d4b", "#ffffff"
HOUSE = ((5, 19), (5, 10), (12, 5.5), (19, 10), (19, 19), (14.5, 19), (14.5, 14), (9.5, 14), (9.5, 19))
"""In the 24 units of the SVG's side."""
FINE = 4
"""Drawn so many times larger, then made smaller: the edges are smooth."""


def icon(side: int, *, round_by: float, house: float = 1.0) -> Image.Image:
    """Returns an icon of so many pixels.

    `round_by`: the corner's radius in units of the SVG; 0 where the phone cuts the icon to its own shape. `house`: the
    size of the house as a factor: a maskable icon keeps it within the middle 80 % (W3C Web Application Manifest).
    """
    unit = side * FINE / 24
    image = Image.new("RGBA", (side * FINE, side * FINE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, side * FINE - 1, side * FINE - 1), round_by * unit, fill=GREEN)
    pen.polygon([((12 + (x - 12) * house) * unit, (12 + (y - 12) * house) * unit) for x, y in HOUSE], fill=WHITE)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def icons() -> dict[str, Image.Image]:
    """Returns the icons by the name of their file."""
    return {
        "icon.png": icon(512, round_by=5),
        "icon_small.png": icon(192, round_by=5),
        "icon_maskable.png": icon(512, round_by=0, house=0.8),
        "icon_touch.png": icon(180, round_by=0),
    }


if __name__ == "__main__":
    for name, drawn in icons().items():
        drawn.save(FOLDER / name, optimize=True)
