"""A model in another runtime says what `pictree predict` says, of real pictures."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from pictree.deploy.export import export_model
from pictree.deploy.network import OUTPUTS, predictor
from pictree.errors import InputError, MissingExtraError, RunError
from pictree.pipeline.predict import predict
from pictree.store import Run
from tests.faults.filling import disk, may_mount
from tests.pipeline.conftest import command_json

CLOSE = {"rtol": 1e-4, "atol": 1e-5}
"""Two runtimes add in different orders; float32 has some seven digits."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, exported_run: Path) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("models")
    for to in ("onnx", "torch-export"):
        export_model(exported_run, to, out / to)
    return {to: out / to for to in ("onnx", "torch-export")}


def run_onnx(folder: Path, pixels: np.ndarray) -> dict[str, np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    return dict(zip(OUTPUTS, session.run(None, {"pixels": pixels}), strict=True))


def run_program(folder: Path, pixels: np.ndarray) -> dict[str, np.ndarray]:
    model = torch.export.load(str(folder / "model.pt2")).module()
    return {name: values.numpy() for name, values in model(torch.from_numpy(pixels)).items()}


RUNTIMES = {"onnx": run_onnx, "torch-export": run_program}


def as_input(images: np.ndarray) -> np.ndarray:
    return images[:, None].astype(np.float32) / 255


@pytest.mark.parametrize("to", RUNTIMES)
@pytest.mark.parametrize("count", [1, 2, 300])
def test_another_runtime_gives_what_torch_gives(
    folders: dict[str, Path], exported_run: Path, fresh: np.ndarray, to: str, count: int
) -> None:
    pixels = as_input(fresh[:count])
    with torch.inference_mode():
        ours = predictor(Run.open(exported_run))(torch.from_numpy(pixels))
    theirs = RUNTIMES[to](folders[to], pixels)
    assert list(theirs) == list(OUTPUTS)
    for name in ("code", "confidence", "distance"):
        assert np.allclose(theirs[name], ours[name].numpy(), **CLOSE), name
    for name in ("cluster", "unknown", "nearest"):
        assert (theirs[name] == ours[name].numpy()).mean() > 0.999, name


@pytest.mark.parametrize("to", RUNTIMES)
def test_it_says_what_predict_says(
    folders: dict[str, Path], exported_run: Path, fresh: np.ndarray, to: str, tmp_path: Path
) -> None:
    predict(exported_run, fresh, output=tmp_path / "new.csv")
    table = pl.read_csv(tmp_path / "new.csv")
    found = RUNTIMES[to](folders[to], as_input(fresh))
    assert found["cluster"].tolist() == table["cluster"].to_list()
    assert np.allclose(found["confidence"], table["confidence"], atol=6e-4)
    assert found["unknown"].tolist() == (table["label"] == "unknown").to_list()
    paths = dict(Run.open(exported_run).used().select("id", "path").iter_rows())
    assert [paths[i] for i in found["nearest"][:, 0].tolist()] == table["nearest_path"].to_list()


@pytest.mark.parametrize("to", RUNTIMES)
def test_the_card_s_own_example_runs(
    folders: dict[str, Path],
    fresh: np.ndarray,
    to: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(shutil.copytree(folders[to], tmp_path / "model"))
    Image.fromarray(fresh[0]).save(folder / "picture.png")
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    lines = card.split("## Use")[1].splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(code, "MODEL_CARD.md", "exec"), names)  # noqa: S102
    expected = RUNTIMES[to](folders[to], as_input(fresh[:1]))
    assert int(names["found"]["cluster"][0]) == expected["cluster"][0]
    assert np.allclose(names["found"]["code"], expected["code"], **CLOSE)


def test_the_folder_says_what_the_model_is(folders: dict[str, Path], exported_run: Path) -> None:
    folder = folders["onnx"]
    names = {"model.onnx", "preprocess.json", "clusters.csv", "MODEL_CARD.md"}
    assert {file.name for file in folder.iterdir()} == names
    about = json.loads((folder / "preprocess.json").read_text())
    shape = [about[key] for key in ("height", "width", "channels", "mode", "mean", "std")]
    assert shape == [28, 28, 1, "L", [0.0], [1.0]]
    assert about["scale"] == 1 / 255
    clusters = pl.read_csv(folder / "clusters.csv")
    assert clusters.columns == ["cluster", "images", "label", "labelled"]
    assert clusters["images"].sum() == 1000
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "`digits.npy`, 1,000 files" in card
    assert str(exported_run.parent) not in card
    assert "- agreement of the runs (1: the same every time): 0." in card


def test_labels_that_people_gave_name_the_clusters(exported_run: Path, tmp_path: Path) -> None:
    from pictree.deploy.export import cluster_table
    from pictree.label.session import Session

    run = Run.open(shutil.copytree(exported_run, tmp_path / "run"))
    session = Session(run)
    group = next(iter(session.history.state.groups))
    session.act("label", {"group": group, "name": "seven"}, session.revision)
    session.close()
    named = cluster_table(run).drop_nulls("label")
    assert named["label"].unique().to_list() == ["seven"]
    assert (named["labelled"] <= named["images"]).all()


@pytest.mark.slow
def test_command_line(exported_run: Path, tmp_path: Path) -> None:
    found = command_json("export-model", exported_run, "--to", "torch-export", "-o", tmp_path / "m")
    assert found | {"bytes": 0, "sha256": ""} == {
        "to": "torch-export",
        "output": str(tmp_path / "m"),
        "model": "model.pt2",
        "bytes": 0,
        "sha256": "",
        "parameters": 2826,
        "code": 24,
        "k": 10,
        "images": 1000,
    }
    with pytest.raises(InputError) as caught:
        export_model(exported_run, "torch-export", tmp_path / "m")
    assert str(caught.value) == (
        f"the output must be new; got {tmp_path / 'm'}, which exists. "
        "Choose another folder with -o."
    )


def test_what_cannot_be_exported_is_refused_in_words(
    exported_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def message(kind: type[Exception], run: Path, to: str, out: Path) -> str:
        with pytest.raises(kind) as caught:
            export_model(run, to, out)
        assert not out.exists()
        return str(caught.value)

    out = tmp_path / "out"
    assert message(InputError, exported_run, "tflite", out) == (
        "--to must be one of onnx, torch-export; got 'tflite'. Choose one of these."
    )
    assert message(InputError, exported_run, "torch-export", exported_run / "model2") == (
        f"the output must not be inside the run; got {exported_run / 'model2'}. "
        "Choose another folder."
    )
    run = Path(shutil.copytree(exported_run, tmp_path / "run"))
    change_info(run, codes={"file": "x.npy"})
    assert message(RunError, run, "torch-export", out) == (
        f"a run whose model is exported must have learned its own network; got {run}, whose codes "
        "are another network's. Export that network with its own tools."
    )
    for name in ("metrics.json", "manifest.json"):
        (run / name).unlink()
    assert message(RunError, run, "torch-export", out) == (
        f"only a finished run's model can be exported; got {run}, whose fit has not ended. "
        "Finish it: the same `pictree fit` command with --resume."
    )
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert message(MissingExtraError, exported_run, "onnx", out) == (
        "--to onnx needs the package onnxscript in working order; got ModuleNotFoundError: import "
        "of onnxscript halted; None in sys.modules. Run pip install 'pictree[onnx]'."
    )


@pytest.mark.parametrize("to", ["torch-export", pytest.param("onnx", marks=pytest.mark.slow)])
def test_a_full_disk_is_one_sentence(exported_run: Path, tmp_path: Path, to: str) -> None:
    """torch's own writer would end the process."""
    small = tmp_path / "disk"
    small.mkdir()
    if shutil.which("mount") is None or not may_mount(small):
        pytest.skip("needs to mount a small file system")
    with disk(small, 16):
        with pytest.raises(RunError) as caught:
            export_model(exported_run, to, small / "out")
        assert list(small.iterdir()) == []
    assert str(caught.value) == (
        f"Writing {small / 'out'} needs free disk space; got 'No space left on device'. "
        "Free some space and run the same command again (`pictree fit`: with --resume)."
    )


def test_a_changed_model_is_refused(exported_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(exported_run, tmp_path / "run"))
    file = run / "model" / "encoder.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(RunError, match="which was changed since"):
        export_model(run, "torch-export", tmp_path / "out")


def test_names_in_the_card_are_text(exported_run: Path) -> None:
    from pictree.deploy.card import in_code

    assert in_code("a`b") == "``a`b``"
    assert in_code("`a") == "`` `a ``"
    assert in_code("<script>\n") == "`<script>\\n`"


def change_info(run: Path, **changes: Any) -> None:
    Run(run).update(**changes)
