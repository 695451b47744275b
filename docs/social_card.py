"""Make docs/_static/social-card.png, which other sites show beside a link to ours.

It wants Chromium: `PYTHONPATH=benchmarks python docs/social_card.py`.
"""

import base64
import tempfile
from pathlib import Path

from chromium import browser
from matplotlib import get_data_path

from froq_lightning.reporting.palette import AMBER, GREEN, LIGHT_THEME

STATIC = Path(__file__).parent / "_static"
SIZE = {"width": 1280, "height": 640}
# A typeface that is the same on every machine, and free: DejaVu, which comes with matplotlib.
FONTS = Path(get_data_path()) / "fonts" / "ttf"
PAGE = """\
<!DOCTYPE html>
<meta charset="utf-8">
<style>
@font-face {{ font-family: card; font-weight: 400; src: url("{fonts}/DejaVuSans.ttf"); }}
@font-face {{ font-family: card; font-weight: 700; src: url("{fonts}/DejaVuSans-Bold.ttf"); }}
body {{ margin: 0; height: 640px; box-sizing: border-box; padding: 130px 96px 0; position: relative;
  background: {theme.paper}; color: {theme.ink}; font-family: card;
  display: grid; grid-template-columns: 280px 1fr; gap: 72px; align-content: start; }}
img {{ width: 280px; }}
h1 {{ font-size: 68px; letter-spacing: -2px; line-height: 1; margin: 8px 0 28px; }}
p {{ margin: 0; font-size: 37px; line-height: 1.3; }}
p + p {{ margin-top: 28px; font-size: 27px; line-height: 1.45; color: {theme.soft}; }}
i {{ position: absolute; left: 0; right: 0; bottom: 0; height: 88px;
  background: linear-gradient({green} 24px, {theme.paper} 24px 32px, {amber} 32px 56px, {theme.paper} 56px 64px, {green}
  64px); }}
</style>
<img src="{logo}" alt="">
<div>
<h1>froq-lightning</h1>
<p>Is this face image good enough to be recognised?</p>
<p>A number from 0 to 100, read out of the network that you run anyway: one forward pass, no training.</p>
</div>
<i></i>
"""


def main() -> None:
    """Write the card as a browser shows it."""
    logo = (STATIC / "logo.svg").resolve()
    page = PAGE.format(theme=LIGHT_THEME, green=GREEN, amber=AMBER, fonts=FONTS.as_uri(), logo=logo.as_uri())
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder) / "profile") as window:
        path = Path(folder) / "card.html"
        path.write_text(page, encoding="utf-8")
        window.open(path, SIZE["width"])
        window.value("document.fonts.ready.then(() => 0)")
        shot = window.send("Page.captureScreenshot", format="png", clip={"x": 0, "y": 0, **SIZE, "scale": 1})
        (STATIC / "social-card.png").write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
