"""A model that was changed, in any way, is refused before it is used; nothing is unpickled."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pictree.errors import RunError
from pictree.manifest import refuse_changed, write_manifest
from pictree.networks import weights
from pictree.pipeline.add import add
from pictree.pipeline.fit import fit
from pictree.pipeline.place import MODEL_FILES
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    fit(digits[0][:120], out, recipe=change(load_recipe("quick"), **{"maps.methods": ["pca"]}))
    return out


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def refused(run: Path, name: str) -> str:
    return (
        f"Every file of a run must be as its manifest says; got {run / name}, which was changed "
        "since. Mend it by `pictree verify --repair RUN`, or restore it from a copy."
    )


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def swap(file: Path) -> None:
    other = file.with_name("decoder.safetensors")
    mine, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(theirs)
    other.write_bytes(mine)


def not_a_number(file: Path) -> None:
    tensors = load_file(file)
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    save_file(tensors, file)


def flip(file: Path, bit: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(bit // 8)
        byte = opened.read(1)[0]
        opened.seek(bit // 8)
        opened.write(bytes([byte ^ 1 << bit % 8]))


@pytest.mark.parametrize("tamper", [cut, swap, not_a_number])
def test_neither_predict_nor_add_uses_it(run: Path, digits: tuple, tamper) -> None:
    name = "model/encoder.safetensors"
    tamper(run / name)
    before = sorted(p.relative_to(run) for p in run.rglob("*"))
    for use in (predict, add):
        with pytest.raises(RunError) as caught:
            use(run, digits[0][120:123])
        assert str(caught.value) == refused(run, name)
    after = sorted(p.relative_to(run) for p in run.rglob("*") if p.name != "run.lock")
    assert [p for p in after if p not in before] == [Path("adding.json")]


def test_swapped_clusters_are_refused(run: Path, digits: tuple) -> None:
    file = next(run.glob("clusters/*/model.npz"))
    shutil.copyfile(run / "tree.npz", file)
    with pytest.raises(RunError) as caught:
        predict(run, digits[0][120:123])
    assert str(caught.value) == refused(run, file.relative_to(run).as_posix())


def test_each_bit_of_the_header_and_a_thousand_of_the_payload_are_refused(run: Path) -> None:
    struck = 0
    for part in ("encoder", "decoder"):
        name = f"model/{part}.safetensors"
        file, data = run / name, (run / name).read_bytes()
        header = 8 * (8 + int.from_bytes(data[:8], "little"))
        payload = random.Random(5).sample(range(header, 8 * len(data)), 500)
        for bit in (*range(header), *payload):
            flip(file, bit)
            with pytest.raises(RunError) as caught:
                refuse_changed(run, [name])
            assert str(caught.value) == refused(run, name)
            struck += 1
            flip(file, bit)
    assert struck > 1000 + 8 * 16
    refuse_changed(run, MODEL_FILES)


def test_each_bit_of_the_header_is_an_error_or_a_model_of_finite_weights(run: Path) -> None:
    """Where there is no manifest to tell: the parser alone, bit by bit."""
    file = run / "model" / "encoder.safetensors"
    data, refusals = bytearray(file.read_bytes()), 0
    header = 8 * (8 + int.from_bytes(data[:8], "little"))
    for bit in range(header):
        data[bit // 8] ^= 1 << bit % 8
        file.write_bytes(data)
        try:
            model = weights.load(run / "model")
        except RunError as error:
            assert str(error).startswith(f"{file} must ")  # noqa: PT017 - an outcome of two
            refusals += 1
        else:
            assert all(bool(t.isfinite().all()) for t in model.encoder.state_dict().values())
        data[bit // 8] ^= 1 << bit % 8
    assert refusals > 0.9 * header


def test_weights_that_are_no_numbers_are_refused_whatever_the_manifest_says(run: Path) -> None:
    file = run / "model" / "encoder.safetensors"
    not_a_number(file)
    write_manifest(run)
    with pytest.raises(RunError) as caught:
        predict(run, np.zeros((1, 28, 28), np.uint8))
    name = next(n for n, t in load_file(file).items() if not torch.isfinite(t).all())
    assert str(caught.value) == (
        f"{file} must hold finite weights; got NaN or infinity in {name}. Restore the file from a "
        "copy, or fit again."
    )


def test_nothing_of_a_run_is_unpickled(run: Path, digits: tuple, tmp_path: Path) -> None:
    """Every class that pickle looks up is heard by an audit hook, in a process of its own."""
    np.save(tmp_path / "new.npy", digits[0][120:125])
    code = (
        "import pickle, sys\n"
        "from pictree.pipeline import add, cut, find, predict, verify\n"
        "from pictree.report.page import write_report\n"
        "from pictree.store import Run\n"
        "heard = []\n"
        "def hear(event, arguments):\n"
        "    if event == 'pickle.find_class': heard.append(arguments)\n"
        "sys.addaudithook(hear)\n"
        "run, new = sys.argv[1:]\n"
        "predict.predict(run, new); add.add(run, new); cut.cut(run, 2)\n"
        "write_report(Run.open(run)); verify.verify(run, mend=True)\n"
        "print(heard)\n"
        "pickle.loads(pickle.dumps(Run))\n"
        "print(len(heard))\n"
    )
    words = [sys.executable, "-c", code, str(run), str(tmp_path / "new.npy")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n1\n"
