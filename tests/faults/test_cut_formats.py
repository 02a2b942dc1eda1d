"""Twenty formats, cut at every byte: a picture or a reason, and never anything else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from pictree.images.decode import FORMATS, ImageFormat, decode
from pictree.images.outcome import OUTCOMES, Unusable

SMALL = ImageFormat(9, 8, 3, "")
MODES = {
    "JPEG": "RGB",
    "PNG": "RGB",
    "WEBP": "RGB",
    "AVIF": "RGB",
    "GIF": "P",
    "TIFF": "RGB",
    "BMP": "RGB",
    "JPEG2000": "RGB",
    "PPM": "RGB",
    "QOI": "RGB",
    "DIB": "RGB",
    "ICO": "RGB",
    "ICNS": "RGBA",
    "PCX": "RGB",
    "SGI": "RGB",
    "DDS": "RGB",
    "IM": "RGB",
    "MSP": "1",
    "XBM": "1",
    "TGA": "RGB",
}


def picture(kind: str) -> bytes:
    noise = np.random.default_rng(3).integers(0, 256, (9, 8, 3), np.uint8)
    image = Image.fromarray(noise).convert(MODES[kind])
    if kind == "ICNS":
        image = image.resize((16, 16))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def outcome(raw: bytes) -> str:
    try:
        pixels, _ = decode(raw, SMALL)
    except Unusable as problem:
        return problem.outcome if problem.reason else "no reason"
    return "used" if pixels.shape == (9, 8, 3) else f"shape {pixels.shape}"


@pytest.mark.parametrize("kind", MODES)
def test_every_cut_is_a_picture_or_a_reason(kind: str) -> None:
    Image.init()
    if kind not in Image.SAVE or (kind == "AVIF" and not features.check("avif")):
        pytest.skip(f"this Pillow writes no {kind}")
    raw = picture(kind)
    cuts = range(len(raw))
    if kind == "ICNS":  # Pillow writes all sizes up to 1,024: a megabyte
        cuts = [*range(300), *np.linspace(300, len(raw) - 1, 200, dtype=int)]
    said = [outcome(raw[:end]) for end in cuts]
    assert set(said) <= {"used", *OUTCOMES}
    assert said.count("used") < len(said) // 2
    assert outcome(raw) == "used"


def test_they_are_twenty_that_we_read() -> None:
    assert len(MODES) == 20
    assert set(MODES) <= set(FORMATS)


@pytest.mark.parametrize("kind", MODES)
def test_no_flipped_byte_is_anything_else(kind: str) -> None:
    """One byte in each place, another value: at most the mended picture differs."""
    Image.init()
    if kind not in Image.SAVE or (kind == "AVIF" and not features.check("avif")):
        pytest.skip(f"this Pillow writes no {kind}")
    raw, chance = bytearray(picture(kind)), np.random.default_rng(4)
    for at in range(min(len(raw), 60 if kind == "ICNS" else 300)):
        before = raw[at]
        raw[at] = chance.integers(0, 256)
        assert outcome(bytes(raw)) in {"used", *OUTCOMES}
        raw[at] = before


NAMES = [
    "new\nline.png",
    "quo'\"te.png",
    "<script>alert(1)<",
    "&lt;b&gt;.png",
    "comma,semi;tab\t.png",
    "=1+1.png",
    "ü" * 100 + "x" * 51 + ".png",
    "case.png",
    "CASE.png",
    " spaces .png",
]


def test_odd_names_survive_in_every_table_and_are_text_on_the_page(tmp_path: Path) -> None:
    import csv

    import polars as pl

    from pictree.pipeline.fit import fit
    from pictree.pipeline.predict import predict
    from pictree.recipes.recipe import change, load_recipe
    from pictree.store import Run

    folder, noise = tmp_path / "pictures", np.random.default_rng(5)
    folder.mkdir()
    raw_name = b"caf\xe9.png"
    names = [*(name.encode() for name in NAMES), raw_name]
    for name in names:
        assert len(name) <= 255
        buffer = io.BytesIO()
        Image.fromarray(noise.integers(0, 256, (8, 8), np.uint8)).save(buffer, "PNG")
        with open(bytes(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name of bytes
            file.write(buffer.getvalue())
    (folder / "broken\n<img src=x>.png").write_bytes(b"\x89PNG")
    assert max(len(name) for name in names) == 255
    changes = {"maps.methods": [], "clustering.k": "2"}
    fit(folder, tmp_path / "run", recipe=change(load_recipe("quick"), **changes))
    shown = sorted([*NAMES, "caf\\xe9.png", "broken\n<img src=x>.png"])
    run = Run.open(tmp_path / "run")
    assert sorted(run.inventory()["path"]) == shown
    with (run.path / "problems.csv").open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["broken\n<img src=x>.png"]
    said = tmp_path / "said.csv"
    predict(run.path, folder, output=said)
    assert sorted(pl.read_csv(said)["path"]) == shown
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
