"""Pictures that join a finished run: with predict's clusters, and nothing else moves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.errors import RunError, SourceError
from pictree.pipeline import place
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.pipeline.conftest import command

RENEWED = ("run.json", "metrics.json", "manifest.json", "problems.csv", "report.html")
FIT = {"maps.methods": ["pca"], "clustering.k": 10}


def bytes_of(run: Path) -> dict[str, bytes]:
    """Every file of a run folder, but for those that tell the time or a process."""
    files = sorted(p for p in run.rglob("*") if p.is_file() and p.name[:4] not in (".tmp", "run."))
    return {str(p.relative_to(run)): p.read_bytes() for p in files if p.name != "manifest.json"}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """2,000 digits with their labels."""
    file = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(file, images=digits[0][:2000], known=digits[1][:2000])
    return file


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """500 other digits in a folder for each kind, 50 of them twice, and 3 broken files."""
    folder = tmp_path_factory.mktemp("pile") / "new"
    for i in range(450):
        file = folder / str(digits[1][2000 + i]) / f"{i:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][2000 + i]).save(file)
        if i % 9 == 0:
            shutil.copy(file, file.with_name(f"{i:03} again.png"))
    for name, content in (("a", b""), ("b", b"hello"), ("c", b"\x89PNG\r\n\x1a\n123")):
        (folder / "0" / f"broken {name}.png").write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, arrays: Path) -> Path:
    """The quick recipe on the 2,000, with a second cut of its tree."""
    out = tmp_path_factory.mktemp("runs") / "fitted"
    recipe = change(load_recipe("quick"), **FIT)
    fit(f"{arrays}:images", out, recipe=recipe, known_labels="known")
    cut(out, 20)
    return out


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, fitted: Path, pile: Path) -> tuple[Path, dict]:
    """A copy of that run with the pile added, and what the command line said."""
    out = tmp_path_factory.mktemp("runs") / "added"
    shutil.copytree(fitted, out)
    done = command("add", out, pile, "--known-labels", "folders", "--strict", "--json")
    return out, json.loads(done.stdout) | {"exit code": done.returncode}


@pytest.fixture
def copy(tmp_path: Path, fitted: Path) -> Path:
    """A copy of the fitted run, to be changed."""
    return Path(shutil.copytree(fitted, tmp_path / "copy"))


def test_every_new_file_is_accounted_for(added: tuple) -> None:
    run, found = Run.open(added[0]), added[1]
    assert (found["images"], found["used"], found["duplicates"]) == (503, 450, 50)
    assert found["problems"] == {"empty": 1, "not an image": 1, "unreadable": 1}
    assert found["first_id"] == 2000
    assert sum(found["sizes"]) == len(run.used()) == len(run.array("codes")) == 2450
    assert run.array("pixels").shape == (2450, 28, 28, 1)
    assert len(run.array("errors")) == len(run.labels()) == 2450
    assert run.inventory()["id"].to_list() == list(range(2503))
    assert run.inventory()["split"].to_list() == ["train"] * 2000 + ["added"] * 503
    assert pl.read_csv(added[0] / "problems.csv")["outcome"].to_list() == list(found["problems"])
    table = pl.read_csv(run.clusters_path("clusters.csv"))
    assert table["size"].to_list() == found["sizes"]


def test_what_the_fit_wrote_stays_to_the_byte(fitted: Path, added: tuple) -> None:
    before, after = bytes_of(fitted), bytes_of(added[0])
    changed = {name for name, content in before.items() if after[name] != content}
    people = {name for name in changed if name.startswith("pictures/")}
    assert changed - people == {
        "clusters/tree-10/clusters.csv",
        "clusters/tree-20/clusters.csv",
        "maps/pca.npy",
        "metrics.json",
        "problems.csv",
        "report.html",
    }
    old, new = np.load(fitted / "maps" / "pca.npy"), np.load(added[0] / "maps" / "pca.npy")
    assert new[:2000].tobytes() == old.tobytes()
    kinds = ["images", "pixels", "codes", "errors", "added", "clusters/tree-10/assignments"]
    assert [sorted(p.stem for p in (added[0] / kind).iterdir()) for kind in kinds] == [
        *[["00000", "00001"]] * 4,
        ["00001"],
        ["00000", "00001"],
    ]


def test_add_and_predict_agree_exactly(
    fitted: Path, added: tuple, pile: Path, tmp_path: Path
) -> None:
    found = predict(fitted, pile, output=tmp_path / "before.csv", known_labels="folders")
    assert {key: added[1][key] for key in ("acc", "ari", "nmi", "purity", "unknown")} == {
        key: found[key] for key in ("acc", "ari", "nmi", "purity", "unknown")
    }
    run, told = Run.open(added[0]), pl.read_csv(tmp_path / "before.csv")
    stored = run.inventory().tail(503).join(run.assignments(), on="id", how="left")
    stored = stored.join(run.table("added"), on="id", how="left").sort("id")
    assert stored["path"].to_list() == told["path"].to_list()
    assert stored["cluster"].to_list() == told["cluster"].to_list()
    assert stored["outcome"].to_list() == told["outcome"].to_list()
    confidence = told["confidence"].cast(pl.Float32)
    assert stored["confidence"].round(3).to_list() == confidence.to_list()
    unknown = told.select(pl.when(pl.col("cluster").is_not_null()).then(pl.col("label") != ""))
    assert stored["unknown"].to_list() == unknown.to_series().to_list()


def test_predict_says_the_same_before_and_after(
    fitted: Path, added: tuple, pile: Path, tmp_path: Path
) -> None:
    columns = ["path", "cluster", "label", "confidence", "nearest_path"]
    for run, name in ((fitted, "before.csv"), (added[0], "after.csv")):
        predict(run, pile, output=tmp_path / name)
    tables = [pl.read_csv(tmp_path / n, columns=columns) for n in ("before.csv", "after.csv")]
    assert tables[0].equals(tables[1])


def test_scores_stay_the_fits_and_the_new_ones_stand_beside(fitted: Path, added: tuple) -> None:
    before, after = Run.open(fitted).metrics, Run.open(added[0]).metrics
    changed = {key for key in after if before.get(key) != after[key]}
    assert changed == {"images", "used", "duplicates", "problems", "contents", "added"}
    assert (after["images"], after["used"], after["duplicates"]) == (2503, 2450, 50)
    assert sum(held["size"] for held in after["contents"]) == 2500
    assert after["added"] == [{key: added[1][key] for key in ("acc", "ari", "nmi", "purity")}]
    assert 0.4 < after["added"][0]["acc"] < 1


def test_the_record_says_what_was_added(added: tuple, pile: Path) -> None:
    (entry,) = Run.open(added[0]).info["added"]
    assert len(entry.pop("time")) == len("2026-11-22T10:00:00+00:00")
    assert entry.pop("command")[:2] == ["pictree", "add"]
    assert entry == {
        "sources": [{"kind": "folder", "name": "new", "root": str(pile), "items": 503}],
        "known_labels": "folders",
        "items": 503,
        "shard_rows": 4096,
        "used": 450,
        "duplicates": 50,
        "unknown": added[1]["unknown"],
        "problems": {"empty": 1, "not an image": 1, "unreadable": 1},
    }


def test_the_manifest_agrees_with_the_files(added: tuple) -> None:
    from pictree.files import sha256_of

    manifest = json.loads((added[0] / "manifest.json").read_text())
    assert {"codes/00001.npy", "added/00001.parquet", "report.html"} <= set(manifest)
    assert all(sha256_of(added[0] / name) == digest for name, digest in manifest.items())
    left = {p.name for p in added[0].iterdir()} - {name.split("/")[0] for name in manifest}
    assert left == {"manifest.json", "run.lock"}


def test_a_new_image_lies_between_its_three_nearest_on_the_map(added: tuple) -> None:
    run = Run.open(added[0])
    points, codes = run.maps()["pca"], run.array("codes")[:].astype(np.float64)
    for row in (2000, 2123, 2449):
        near = np.argsort(((codes[:2000] - codes[row]) ** 2).sum(1))[:3]
        assert points[row].tolist() == np.median(points[near], axis=0).tolist()


def test_the_report_shows_the_new_ones(added: tuple) -> None:
    page = (added[0] / "report.html").read_text()
    day = Run.open(added[0]).info["added"][0]["time"][:10]
    assert "2,450 images in 10 clusters" in page
    assert (
        f"Added on {day} from new: 450 pictures, of 503 files (50 duplicates, 1 empty, "
        "1 not an image, 1 unreadable)."
    ) in page
    assert "The silhouette was measured on 2,000 images." in page
    assert "images joined after the fit." in page
    assert "New kinds?" not in page


def test_cuts_before_and_after_are_the_same(
    fitted: Path, added: tuple, pile: Path, copy: Path
) -> None:
    cut(copy, 15)
    add(copy, pile)
    early = bytes_of(copy)
    found = cut(added[0], 15)
    late = bytes_of(added[0])
    assert sum(found["sizes"]) == 2450
    shards = [f"clusters/tree-15/assignments/0000{i}.parquet" for i in range(2)]
    assert [late[name] for name in shards] == [early[name] for name in shards]
    cut(added[0], 10)
    again = bytes_of(added[0])
    shown = [name for name in late if name.startswith("clusters/tree-10/")]
    assert [again[name] for name in shown] == [late[name] for name in shown]


def test_it_does_not_matter_in_which_order_or_how_many_piles(copy: Path, digits: tuple) -> None:
    one, other = digits[0][3000:3040], digits[0][4000:4030]
    both = Path(shutil.copytree(copy, copy.with_name("both")))
    add(copy, other)
    add(copy, one)
    add(both, np.concatenate([one, other]))
    labels, together = Run.open(copy).labels()[2000:], Run.open(both).labels()[2000:]
    assert labels.tolist() == [*together[40:], *together[:40]]
    assert [pile["items"] for pile in Run.open(copy).info["added"]] == [30, 40]


def test_a_second_time_all_are_duplicates_with_the_clusters_of_the_first(
    copy: Path, digits: tuple
) -> None:
    fresh = np.concatenate([digits[0][5000:5020], digits[0][:5]])  # five are the fit's own
    first, second = add(copy, fresh), add(copy, fresh)
    assert (first["used"], first["duplicates"]) == (20, 5)
    assert (second["used"], second["duplicates"]) == (0, 25)
    run = Run.open(copy)
    clusters = run.assignments()["cluster"].to_list()
    assert clusters[2000:2025] == clusters[2025:2050]
    assert clusters[2020:2025] == clusters[:5]
    originals = run.inventory()["duplicate_of"].to_list()
    assert originals[2020:] == [*range(5), *range(2000, 2020), *range(5)]


def test_shards_make_no_difference(
    copy: Path, digits: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = np.concatenate([digits[0][6000:6025], digits[0][6000:6010]])
    whole = Path(shutil.copytree(copy, copy.with_name("whole")))
    add(whole, fresh)
    monkeypatch.setattr(place, "_BATCH", 10)
    add(copy, fresh)
    assert sorted(p.stem for p in (copy / "codes").iterdir()) == [f"0000{i}" for i in range(5)]
    parts, one = Run.open(copy), Run.open(whole)
    assert parts.inventory().equals(one.inventory())
    here, there = parts.assignments(), one.assignments()
    assert here.drop("distance").equals(there.drop("distance"))
    # How a sum of products is rounded depends on how many rows are multiplied together.
    assert np.allclose(here["distance"], there["distance"], atol=1e-5)
    assert np.allclose(parts.array("codes")[:], one.array("codes")[:], atol=1e-5)


def test_many_strangers_are_told(copy: Path, digits: tuple) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    np.save(copy.with_name("noise.npy"), np.concatenate([noise, digits[0][7000:7020]]))
    done = command("add", copy, copy.with_name("noise.npy"))
    unknown = Run.open(copy).info["added"][0]["unknown"]
    assert unknown in (12, 13, 14)  # a digit may be odd too
    said = (
        f"{unknown} of 32 are unlike anything in the run: fit again with both piles to find new "
        "kinds"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "32 of 32 files added"
    assert lines[1].startswith("10 clusters, now of ")
    assert lines[2:] == [said, f"report: {copy / 'report.html'}"]
    page = (copy / "report.html").read_text()
    assert f"<strong>New kinds?</strong> {said}." in page
    assert page.count("× the limit") == unknown


def test_a_finished_run_resumes_as_before(arrays: Path, added: tuple) -> None:
    before = bytes_of(added[0])
    recipe = change(load_recipe("quick"), **FIT)
    options = {"recipe": recipe, "known_labels": "known", "resume": True}
    assert fit(f"{arrays}:images", added[0], **options)["used"] == 2450
    after = bytes_of(added[0])
    after.pop("report.html"), before.pop("report.html")  # tells the memory of the last fit
    assert after == before


@pytest.mark.parametrize("lost", ["codes/00000.npy", "clusters/tree-10/model.npz", "maps/pca.npy"])
def test_what_is_lost_of_the_fit_is_made_again(
    lost: str, arrays: Path, added: tuple, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(added[0], tmp_path / "copy"))
    (copy / lost).unlink()
    recipe = change(load_recipe("quick"), **FIT)
    options = {"recipe": recipe, "known_labels": "known", "resume": True}
    fit(f"{arrays}:images", copy, **options)
    made, before = bytes_of(copy), bytes_of(added[0])
    made.pop("report.html"), before.pop("report.html")  # tells the seconds of the fit
    assert made == before


def test_what_is_lost_of_the_added_is_named(added: tuple, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(added[0], tmp_path / "copy"))
    lost = copy / "codes" / "00001.npy"
    lost.unlink()
    with pytest.raises(RunError) as caught:
        Run.open(copy).array("codes")
    assert str(caught.value) == (
        f"Every file of a run must be there; got no {lost}. "
        f"Make it again by `pictree verify {copy} --repair`, or restore it from a copy."
    )


def test_nothing_usable_is_one_sentence_and_changes_nothing(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"")
    (tmp_path / "bad" / "b.png").write_bytes(b"hello")
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    with pytest.raises(SourceError) as caught:
        add(copy, tmp_path / "bad")
    assert str(caught.value) == (
        "there must be a usable picture among those to add; got bad: 1 empty, 1 not an image. "
        "See the reasons with `pictree scan`."
    )
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before


def test_strict_tells_problems_by_its_exit_code(added: tuple) -> None:
    assert added[1]["exit code"] == 3


def test_an_unfinished_fit_is_refused(copy: Path, digits: tuple) -> None:
    for name in ("metrics.json", "manifest.json"):
        (copy / name).unlink()
    with pytest.raises(RunError) as caught:
        add(copy, digits[0][:3])
    assert str(caught.value) == (
        f"pictures can be added to a finished run; got {copy}, whose fit has not ended. "
        "Finish it: the same `pictree fit` command with --resume."
    )


def test_a_run_in_use_is_refused(copy: Path, digits: tuple) -> None:
    code = (
        "import sys; from pictree.store import Run\n"
        "with Run(sys.argv[1]).lock(): print('in', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(copy)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "in\n"
        with pytest.raises(RunError) as caught:
            add(copy, digits[0][:3])
        holder.kill()
    assert str(caught.value) == (
        f"Only one process may write a run; got {copy}, in use by process {holder.pid}. "
        "Wait until it has ended, or choose another folder with -o."
    )


def test_arrays_are_scaled_as_those_of_the_fit(tmp_path: Path, digits: tuple) -> None:
    values = digits[0][:300].astype(np.float32) * 4  # a dark pile must not be stretched
    recipe = change(load_recipe("quick"), **FIT)
    fit(values, tmp_path / "run", recipe=recipe)
    add(tmp_path / "run", digits[0][300:310].astype(np.float32))
    pixels = Run.open(tmp_path / "run").array("pixels")[300:]
    assert pixels.max() == 64


@pytest.mark.parametrize("recipe", ["flat-2", "hdbscan"])
def test_other_clusters_and_held_out_pictures(recipe: str, digits: tuple, tmp_path: Path) -> None:
    chosen = load_recipe("flat-2")
    if recipe == "hdbscan":
        changes = {"clustering.method": "hdbscan", "maps.methods": ["pca"]}
        chosen = change(load_recipe("quick"), **changes)
    chosen = change(chosen, **{"training.epochs": 1, "maps.methods": ["pca"]})
    out, fresh = tmp_path / "run", digits[0][9000:9030]
    fit(digits[0][:200], out, recipe=chosen)
    found = predict(out, fresh, output=tmp_path / "p.csv")
    assert add(out, fresh)["unknown"] == found["unknown"]
    told = pl.read_csv(tmp_path / "p.csv")["cluster"].to_list()
    assert Run.open(out).labels()[200:].tolist() == told
