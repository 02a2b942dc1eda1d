"""`pictree verify`: every damaged file is found, and what can be is made again to its bytes."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pictree.errors import RunError
from pictree.export.export import export
from pictree.label.session import Session
from pictree.manifest import condition
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.pipeline.verify import verify
from pictree.recipes.recipe import change, load_recipe
from pictree.report.gather import gather
from pictree.store import Run
from tests.pipeline.conftest import command
from tests.pipeline.test_rounds import short_recipe

PICTURES = "it needs the pictures: repeat the run's first command into another folder"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """The quick recipe on 120 digits, another cut of its tree, and ten digits added."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    changes = {"maps.methods": ["pca"], "clustering.k": 3}
    fit(digits[0][:120], out, recipe=change(load_recipe("quick"), **changes))
    cut(out, 5)
    add(out, digits[0][120:130])
    return out


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def every_file(run: Path) -> dict[str, bytes]:
    files = [p for p in run.rglob("*") if p.is_file() and p.name != "run.lock"]
    return {p.relative_to(run).as_posix(): p.read_bytes() for p in files}


def flip(file: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def test_a_whole_run_is_whole_and_not_touched(run: Path) -> None:
    before = every_file(run)
    found = verify(run)
    assert found["damaged"] == found["missing"] == found["foreign"] == found["repaired"] == []
    assert found["left"] == {}
    assert found["files"] == len(before) - 1  # the manifest itself
    assert every_file(run) == before


def test_a_thousand_flipped_bits_are_found(run: Path) -> None:
    chance, found = random.Random(7), 0
    kinds = ("codes/*.npy", "clusters/**/*.*", "tree.npz")
    files = sorted(p for kind in kinds for p in run.glob(kind) if p.is_file())
    names = sorted(p.relative_to(run).as_posix() for p in files)
    whole_bytes = {file: file.read_bytes() for file in files}
    rounds = -(-1000 // len(files))
    for _ in range(rounds):
        for file in files:
            flip(file, chance)
        assert condition(run).damaged == names
        found += len(names)
        for file in files:
            file.write_bytes(whole_bytes[file])
    assert found >= 1000
    assert condition(run).bad == []


DAMAGED = [
    ["codes/00000.npy"],
    ["errors/00000.npy", "reconstructions.npz"],
    ["tree.npz"],
    ["clusters/tree-3/model.npz", "clusters/tree-3/assignments/00000.parquet"],
    ["clusters/tree-3/centres.npy", "clusters/tree-3/clusters.csv"],
    ["clusters/tree-5/model.npz", "clusters/tree-5/assignments/00001.parquet"],
    ["codes/00001.npy", "errors/00001.npy", "clusters/tree-3/assignments/00001.parquet"],
    ["maps/pca.npy", "metrics.json", "problems.csv"],
    ["pictures/map-pca-clusters.png", "report.html"],
    ["model/encoder.safetensors", "model/model.json", "codes/00000.npy"],
]


@pytest.mark.parametrize("names", DAMAGED, ids=lambda names: names[0])
def test_what_can_be_made_again_gets_its_old_bytes(run: Path, names: list[str]) -> None:
    before = every_file(run)
    flip(run / names[0], random.Random(1))
    for name in names[1:]:
        (run / name).unlink()
    assert every_file(run) != before  # the fault struck
    found = verify(run, mend=True)
    assert (found["damaged"], found["missing"]) == (names[:1], sorted(names[1:]))
    assert found["left"] == {}
    assert found["repaired"] == sorted(names)
    assert every_file(run) == before


def test_what_can_not_be_made_again_is_said_and_left(run: Path) -> None:
    flip(run / "pixels" / "00000.npy", random.Random(2))
    flip(run / "codes" / "00000.npy", random.Random(2))
    before = every_file(run)
    found = verify(run, mend=True)
    assert found["left"] == {
        "pixels/00000.npy": PICTURES,
        "codes/00000.npy": "pixels/00000.npy must be mended first",
    }
    assert found["repaired"] == []
    assert every_file(run) == before


def test_a_wrong_manifest_mends_nothing(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["tree.npz"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(manifest))
    before = every_file(run)
    found = verify(run, mend=True)
    assert list(found["left"]) == ["tree.npz"]
    assert found["left"]["tree.npz"].startswith("what was made again has another content than")
    assert every_file(run) == before


@pytest.mark.parametrize("name", ["../mine.txt", "/etc/passwd", "a/../../mine.txt", ""])
def test_a_manifest_reaches_nothing_outside(run: Path, name: str) -> None:
    mine = run.parent / "mine.txt"
    mine.write_text("mine")
    (run / "manifest.json").write_text(json.dumps({name: "0" * 64}))
    with pytest.raises(RunError) as caught:
        verify(run, mend=True)
    assert str(caught.value) == (
        "A run's manifest must list files of the run and their SHA-256; got another content in "
        f"{run / 'manifest.json'}. Restore that file from a copy."
    )
    assert mine.read_text() == "mine"


def test_labels_predictions_and_foreign_files_are_left_alone(run: Path) -> None:
    for name in ("labels.db", "predictions.csv", "notes\n.txt"):
        (run / name).write_text("mine")
    found = verify(run, mend=True)
    assert (found["foreign"], found["left"]) == (["notes\n.txt"], {})
    assert (run / "notes\n.txt").read_text() == "mine"


def test_an_unfinished_run_is_one_sentence(run: Path) -> None:
    (run / "manifest.json").unlink()
    with pytest.raises(RunError) as caught:
        verify(run)
    assert str(caught.value) == (
        f"a finished run has a manifest.json to compare its files with; got none in {run}. "
        "Finish it: the same `pictree fit` or `pictree add` command again, `fit` --resume."
    )


def test_the_command_names_repairs_and_tells_by_its_exit_code(run: Path) -> None:
    n = verify(run)["files"]
    flip(run / "tree.npz", random.Random(3))
    (run / "notes\n.txt").write_text("mine")
    done = command("verify", run)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == (
        f"{n} files, {n - 1} of them as they were written\n"
        "  damaged: tree.npz\n"
        "  not of this run (left alone): notes\\n.txt\n"
        "Make them again by `pictree verify --repair RUN`.\n"
    )
    done = command("verify", run, "--repair")
    assert done.returncode == 0
    assert done.stdout.endswith("  made again, to the same bytes: tree.npz\n")
    assert condition(run).bad == []


@pytest.mark.slow
def test_a_learned_run_is_learned_again(tmp_path: Path, digits_npz: Path) -> None:
    fit(f"{digits_npz}:images", tmp_path / "run", recipe=short_recipe(), known_labels="known")
    assert Run.open(tmp_path / "run").info["rounds"]["kept"]
    before = every_file(tmp_path / "run")
    for name in ("model/encoder.safetensors", "tree.npz", "codes/00000.npy"):
        flip(tmp_path / "run" / name, random.Random(4))
    found = verify(tmp_path / "run", mend=True)
    assert found["left"] == {}
    assert every_file(tmp_path / "run") == before


# what a finished run lacks


def lacking(file: Path, run: Path) -> str:
    return (
        f"Every file of a run must be there; got no {file}. "
        f"Make it again by `pictree verify {run} --repair`, or restore it from a copy."
    )


@pytest.mark.parametrize("name", ["tree.npz", "reconstructions.npz", "clusters/tree-3/centres.npy"])
def test_who_only_looks_whether_a_file_is_there_names_it_when_it_is_gone(
    run: Path, tmp_path: Path, name: str
) -> None:
    (run / name).unlink()
    asked: list[Callable[[], object]] = [lambda: gather(Run.open(run))]
    if name == "tree.npz":
        asked += [lambda: export(run, "csv", tmp_path / "e.csv"), lambda: cut(run, 4)]
        asked += [lambda: Session(Run.open(run))]
    for ask in asked:
        with pytest.raises(RunError) as caught:
            ask()
        assert str(caught.value) == lacking(run / name, run)
    assert not (tmp_path / "e.csv").exists()


def test_a_finished_run_that_lacks_a_stages_file_is_not_called_unfinished(
    run: Path, tmp_path: Path
) -> None:
    (run / "maps" / "pca.npy").unlink()
    with pytest.raises(RunError) as caught:
        export(run, "csv", tmp_path / "e.csv")
    assert str(caught.value) == lacking(run / "maps" / "pca.npy", run)


def test_a_tree_is_missed_without_a_manifest_too(run: Path) -> None:
    """As run.json says what the clusters are cut from."""
    for name in ("manifest.json", "tree.npz"):
        (run / name).unlink()
    with pytest.raises(RunError) as caught:
        Run.open(run).has_tree  # noqa: B018
    assert str(caught.value) == (
        f"Every file of a run must be there; got no {run / 'tree.npz'}. "
        "Finish the run: the same `pictree fit` command with --resume."
    )


def test_a_torn_file_of_a_finished_run_is_told_with_the_way_to_mend_it(run: Path) -> None:
    (run / "tree.npz").write_bytes(b"PK")
    with pytest.raises(RunError) as caught:
        export(run, "csv", run.parent / "e.csv")
    assert str(caught.value) == (
        f"Every file of a run must be as Pictree wrote it; got {run / 'tree.npz'}, which can't be "
        f"read. Make it again by `pictree verify {run} --repair`, or restore it from a copy."
    )
    verify(run, mend=True)
    assert export(run, "csv", run.parent / "e.csv")["images"] > 100


# no command makes peace with damage


def do_report(run: Path) -> None:
    from pictree.commands.report import report

    report(run)


@pytest.mark.parametrize("act", ["cut", "report", "add"])
def test_what_was_damaged_or_gone_before_a_command_is_named_after_it(
    run: Path, digits: tuple, act: str
) -> None:
    flip(run / "errors" / "00000.npy", random.Random(4))
    acts: dict[str, Callable[[], object]] = {
        "cut": lambda: cut(run, 4),
        "report": lambda: do_report(run),
        "add": lambda: add(run, digits[0][130:133]),
    }
    acts[act]()
    found = verify(run)
    assert (found["damaged"], found["missing"]) == (["errors/00000.npy"], [])
    assert verify(run, mend=True)["left"] == {}


def test_a_cut_that_lost_its_model_is_not_left_out_of_an_add(run: Path, digits: tuple) -> None:
    lost = run / "clusters" / "tree-5" / "model.npz"
    lost.unlink()
    with pytest.raises(RunError) as caught:
        add(run, digits[0][130:133])
    assert str(caught.value) == lacking(lost, run)


def test_what_is_gone_stays_named_after_a_cut(run: Path) -> None:
    (run / "problems.csv").unlink()
    cut(run, 4)
    found = verify(run)
    assert (found["damaged"], found["missing"]) == ([], ["problems.csv"])
    assert verify(run, mend=True)["left"] == {}
    assert verify(run)["missing"] == verify(run)["foreign"] == []
