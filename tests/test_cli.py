"""The command line as people and scripts meet it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pipeline.conftest import command, command_json

COMMANDS = ["demo", "scan", "pack", "fit", "report", "label", "predict", "add", "cut", "compare"]
COMMANDS += ["find", "export", "export-model", "serve", "verify", "recipes", "doctor"]


@pytest.fixture
def pictures(tmp_path: Path, digits: tuple) -> Path:
    """Sixty PNG and JPEG in two folders, one broken, one twice."""
    folder = tmp_path / "pictures"
    for i, (image, known) in enumerate(zip(digits[0][:60], digits[1][:60], strict=True)):
        file = (
            folder / ("even" if known % 2 == 0 else "odd") / f"{i:02}.{'jpg' if i % 3 else 'png'}"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((28 + i, 40)).save(file)
    (folder / "twice.png").write_bytes(next(folder.rglob("*.png")).read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of one epoch and a PCA map, made the way a user makes one."""
    text = command("recipes", "small-98").stdout
    file = tmp_path / "mine.toml"
    file.write_text(
        text.replace("epochs = 3", "epochs = 1").replace('["pca", "tsne", "umap"]', '["pca"]')
    )
    return file


@pytest.mark.parametrize("name", COMMANDS)
def test_help_gives_an_example(name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert f"Example: pictree {name}" in done.stdout
    assert "--json" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, pictree.cli\n"
        "sys.argv = ['pictree', '--help']\n"
        "try: pictree.cli.main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'numpy', 'polars', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_the_chain_on_a_folder(pictures: Path, recipe: Path, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in pictures.rglob("*") if p.is_file()}
    run = tmp_path / "run"
    seen = command_json("scan", pictures)
    assert (seen["files"], seen["used"], seen["duplicates"]) == (62, 60, 1)
    assert sum(seen["problems"].values()) == 1
    words = ("--recipe", recipe, "--k", "2:4", "--known-labels", "folders")
    found = command_json("fit", pictures, "-o", run, *words)
    assert (found["images"], found["used"]) == (62, 60)
    assert 2 <= found["k"] <= 4
    assert found["k_shortlist"][0]["k"] == found["k"]
    assert 0 < found["acc"] <= 1
    placed = command_json("predict", run, pictures / "odd", "-o", tmp_path / "p.csv")
    assert placed["images"] == placed["used"] > 0
    again = command_json("report", run)
    assert Path(again["report"]) == run / "report.html"
    both = command_json("compare", run, run)
    assert both["ari"] == 1.0
    assert both["shared"] == 60
    assert {p: p.read_bytes() for p in pictures.rglob("*") if p.is_file()} == before


def test_strict_tells_problems_by_its_exit_code(pictures: Path) -> None:
    assert command("scan", pictures, "--strict").returncode == 3
    assert command("scan", pictures).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("scan", "nowhere"),
            "pictree: the pictures must exist; got 'nowhere'. Check the path.\n",
        ),
        (
            ("fit", "x.npy", "-o", "run", "--image-size", "big"),
            "pictree: --image-size must be a number of pixels, or WIDTHxHEIGHT; got 'big'. "
            "Write --image-size 64 or --image-size 64x48.\n",
        ),
        (
            ("fit", "x.npy", "-o", "run", "--recipe", "smal-98"),
            "pictree: a recipe must be one of dec, flat-2, large-1568, pairs, photos, quick, "
            "small-98, tree, or a TOML file; got 'smal-98'. Did you mean small-98.\n",
        ),
        (
            ("fit", "x.npy", "-o", "run", "--codes", "codes.npy"),
            "pictree: the codes must exist; got 'codes.npy'. Check the path.\n",
        ),
        (
            ("report", "nowhere"),
            "pictree: RUN must be a folder made by `pictree fit`; got nowhere, which has no "
            "run.json. Run `pictree fit PICTURES -o RUN` first.\n",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((5, 8, 8), np.nan), "NaN or infinite"),
        (np.zeros((1, 8, 8), np.uint8), "at least"),
        (np.zeros((30, 8, 8), np.uint8), "duplicate"),
        (np.zeros((3, 8, 8), np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None], "10"),
        (np.zeros(7), "shape"),
        (np.array([{}, {}], dtype=object), "pickle"),
    ],
)
def test_arrays_that_cant_be_clustered_get_one_sentence(
    array: np.ndarray, words: str, recipe: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    done = command("fit", tmp_path / "x.npy", "-o", tmp_path / "run", "--recipe", recipe)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert last.startswith("pictree: ")
    assert last.endswith(".")


def start_fit(digits_idx: tuple, run: Path) -> subprocess.Popen[str]:
    words = ["fit", str(digits_idx[0]), "-o", str(run), "--recipe", "small-98"]
    arguments = [sys.executable, "-m", "pictree.cli", *words]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_stopped_fit_says_how_to_go_on(
    digits_idx: tuple, tmp_path: Path, number: int, code: int
) -> None:
    run = tmp_path / "run"
    with start_fit(digits_idx, run) as process:
        while not (run / "checkpoints").exists():  # an epoch is done, the next is under way
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == code
    *_, stage, last = said.strip().splitlines()
    # The signal may come before the epoch is told.
    assert re.fullmatch(r"training: stopped after \d+\.\d s(, epoch .*)?", stage)
    assert last == (
        "pictree: stopped. Run the same command again to go on (`pictree fit`: with --resume)."
    )
    assert json.loads((run / "run.json").read_text())["stages"]["learn"]["state"] == "running"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_outputs_that_are_closed_are_no_fault(tmp_path: Path, closed: str) -> None:
    for i in range(3):
        Image.new("L", (8, 8), i).save(tmp_path / f"{i}.bmp")
    words = f"{sys.executable} -m pictree.cli scan {tmp_path} {closed}"
    done = subprocess.run(words, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert ("3 usable" in done.stdout) == (closed == "2>&-")


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S602 - a pipe is what is tested
        f"{sys.executable} -m pictree.cli recipes large-1568 | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["数.png", "\U0001f600.png"])
def test_names_survive_an_output_that_can_not_show_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no picture")
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    words = [sys.executable, "-m", "pictree.cli", "scan", str(tmp_path)]
    env = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    plain, as_json = (
        subprocess.run([*words, *more], capture_output=True, check=True, env=env)
        for more in ([], ["--json"])
    )
    assert b"2 files: 1 usable" in plain.stdout
    assert json.loads(as_json.stdout)["examples"][0]["path"] == name


def test_doctor_names_the_device_and_why() -> None:
    found = command_json("doctor")
    assert found["device"]["kind"] in {"cpu", "cuda", "mps"}
    assert found["device"]["reason"]
    assert found["versions"]["torch"] != "absent"


def test_recipes_print_toml_that_is_a_recipe(tmp_path: Path) -> None:
    from pictree.recipes.recipe import load_recipe

    file = tmp_path / "copy.toml"
    file.write_text(command("recipes", "flat-2").stdout)
    assert load_recipe(file) == load_recipe("flat-2")
    assert set(command_json("recipes")) >= {"flat-2", "small-98", "large-1568"}
