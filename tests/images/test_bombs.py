"""Small files that would become large, and the golden table of a collection of bad pictures."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from PIL import Image

from pictree.images.decode import FORMATS

GOLDEN = Path(__file__).parent / "torture.json"
WIDTH, HEIGHT = 97, 83
HUGE = (20_000, 60_000)
WITHOUT_SIZES = ("ICNS", "IM", "MSP", "PCX", "XBM")
"""Their headers have the sizes in another form, or they are deprecated."""

BROKEN = [f"broken {k} file" for k in ("AVIF", "BMP", "JPEG2000", "SGI", "WEBP")]
BROKEN += ["broken file", "truncated BMP file", "truncated TGA file"]
TOO_LARGE = "too large: more than 178,956,970 pixels"
MEASURED = """
import resource, sys
from pathlib import Path
from pictree.images.decode import ImageFormat, Unusable, decode

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before, fmt = peak(), ImageFormat(16, 16, 3, "")
for file in sorted(Path(sys.argv[1]).iterdir()):
    try:
        decode(file.read_bytes(), fmt)
        said = "used"
    except Unusable as problem:
        said = f"{problem.outcome}: {problem.reason}"
    print(file.name, (peak() - before) >> 10, said, sep="|")
"""


def golden(folder: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "tests.images.golden", str(folder)]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_each_file_of_the_collection_has_the_outcome_of_the_table(data_dir: Path) -> None:
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if PIL.__version__ != expected["pillow"]:
        pytest.skip(f"the table is of Pillow {expected['pillow']}")
    found = golden(data_dir / "torture")
    assert found["outcomes"] == expected["outcomes"]
    assert found["more_mb"] <= 200
    assert found["child_mb"] <= 300


def of_sizes(kind: str) -> list[bytes]:
    """Return a picture of a format whose header states huge sizes, wherever it states any."""
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert("P" if kind == "GIF" else "RGB").save(buffer, kind)
    raw, found = buffer.getvalue(), []
    for form in ("<HH", ">HH", "<II", ">II"):
        for order in ((WIDTH, HEIGHT), (HEIGHT, WIDTH)):
            sizes = struct.pack(form, *order)
            if sizes in raw:
                found.append(raw.replace(sizes, struct.pack(form, *HUGE)))
    if kind == "TIFF":  # sizes stand apart, in a directory
        for order in "<>":
            for size, huge in zip((WIDTH, HEIGHT), HUGE, strict=True):
                entry = struct.pack(order + "HIH", 4, 1, size)
                raw = raw.replace(entry, struct.pack(order + "HIH", 4, 1, huge))
        found.append(raw)
    if kind == "PNG":  # the header's checksum must be right
        found = [raw[:29] + struct.pack(">I", zlib.crc32(raw[12:29])) + raw[33:] for raw in found]
    if kind == "PPM":
        found.append(raw.replace(b"97 83", b"%d %d" % HUGE))
    return found


def test_a_header_that_states_too_much_costs_no_memory(tmp_path: Path) -> None:
    Image.init()
    kinds = [kind for kind in FORMATS if kind in Image.SAVE and kind not in WITHOUT_SIZES]
    told = []
    for kind in kinds:
        for number, raw in enumerate(of_sizes(kind)):
            (tmp_path / f"{kind}-{number}").write_bytes(raw)
            told.append(kind)
    words = [sys.executable, "-c", MEASURED, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert len(lines) == len(told)
    too_large = {name.partition("-")[0] for name, _, said in lines if said == TOO_LARGE}
    assert len(too_large) >= 11
    refused = {f"unreadable: {what}" for what in BROKEN} | {"not an image: no known format"}
    assert {said for _, _, said in lines} <= {TOO_LARGE, *refused}
    assert max(int(line[1]) for line in lines) <= 200
