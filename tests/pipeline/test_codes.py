"""Codes that another network made, through the whole chain; nothing is trained."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from pictree.errors import InputError, RunError
from pictree.files import sha256_of
from pictree.pipeline.codes import open_codes, take
from pictree.pipeline.compare import compare
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit, summary
from pictree.pipeline.predict import predict
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, change, load_recipe
from pictree.store import Run
from tests.pipeline.conftest import command_json

IN_ORDER = (
    "Make them again in the order of the files: `pictree scan PICTURES -o FILE.csv` lists it."
)


def tree_recipe() -> Recipe:
    return change(load_recipe("quick"), **{"maps.methods": ["pca"], "clustering.k": 10})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """800 digits in folders of their kind, then a broken file and a copy of the first digit."""
    folder = tmp_path_factory.mktemp("codes") / "pictures"
    for i, (image, known) in enumerate(zip(digits[0][:800], digits[1][:800], strict=True)):
        file = folder / str(known) / f"{i:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    (folder / "broken.png").write_bytes(b"\x89PNG and no more")
    shutil.copy(folder / str(digits[1][0]) / "000.png", folder / "copy.png")
    return folder


@pytest.fixture(scope="module")
def network(digits: tuple) -> Callable[[np.ndarray], np.ndarray]:
    """Another network's 64 hidden numbers; it has learnt what digits are from 2,000 others."""
    images, known = digits
    model = MLPClassifier((64,), max_iter=15, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(images[8000:].reshape(2000, -1) / 255, known[8000:])
    weights, shifts = model.coefs_[0], model.intercepts_[0]
    return lambda rows: np.maximum(rows.reshape(len(rows), -1) / 255 @ weights + shifts, 0)


@pytest.fixture(scope="module")
def codes(pictures: Path, network: Callable[[np.ndarray], np.ndarray]) -> Path:
    """A row for each file as `scan -o` lists them; NaN for the broken one."""
    listed = command_json("scan", pictures, "-o", pictures.parent / "files.csv")
    assert (listed["files"], listed["used"]) == (802, 800)
    rows = []
    for path in pl.read_csv(pictures.parent / "files.csv")["path"]:
        if path == "broken.png":
            rows.append(np.full(64, np.nan))
            continue
        rows.append(network(np.asarray(Image.open(pictures / path))[None])[0])
    np.save(pictures.parent / "codes.npy", np.array(rows))
    return pictures.parent / "codes.npy"


@pytest.fixture(scope="module")
def run(pictures: Path, codes: Path) -> Run:
    out = pictures.parent / "run"
    fit(pictures, out, recipe=tree_recipe(), codes=codes, known_labels="folders")
    return Run.open(out)


def used_rows(run: Run, codes: Path) -> np.ndarray:
    return np.load(codes)[(run.inventory()["outcome"] == "used").to_numpy()]


def bytes_of(run: Path) -> dict[str, bytes]:
    """Every file of a run but those that hold times, or are made of such files."""
    timed = {"run.json", "report.html", "manifest.json", "run.lock"}
    files = (p for p in sorted(run.rglob("*")) if p.is_file() and p.name not in timed)
    return {str(p.relative_to(run)): p.read_bytes() for p in files}


def test_the_codes_are_taken_as_they_are_and_nothing_is_trained(run: Run, codes: Path) -> None:
    np.testing.assert_array_equal(
        run.array("codes")[:], used_rows(run, codes).astype(np.float32), strict=True
    )
    assert list(run.info["stages"]) == ["stock", "codes", "group", "judge", "maps"]
    assert run.info["codes"] == {
        "file": "codes.npy",
        "sha256": sha256_of(codes),
        "shape": [802, 64],
        "dtype": "float64",
    }
    made = {path.name for path in run.path.iterdir()}
    assert not made & {"model", "checkpoints", "errors", "reconstructions.npz", "log.jsonl"}
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert {"codes/00000.npy", "report.html", "tree.npz"} <= set(manifest)


def test_better_codes_give_better_clusters_and_fair_baselines(run: Run) -> None:
    metrics, found = run.metrics, summary(run)
    assert [plain["name"] for plain in metrics["baselines"]] == [
        "k-means on pixels",
        "k-means on PCA-50 of pixels",
        "k-means on these codes",
    ]
    pixels, _, same = (plain["scores"]["acc"] for plain in metrics["baselines"])
    assert found["acc"] > same + 0.05
    assert same > pixels + 0.05
    assert metrics["reconstruction_error"] is metrics["loss"] is None
    assert (found["codes"], found["chosen"], found["loss"]) == ("codes.npy", "instant", None)
    json.dumps(found, allow_nan=False)


def test_the_report_says_where_the_codes_came_from(run: Run) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    for said in (
        "<h2>Where do the codes come from?</h2>",
        '802 rows of 64 numbers in <bdi class="path">codes.npy</bdi>. No network was trained',
        run.info["codes"]["sha256"],
        "64 numbers for each image, given in codes.npy; nothing was trained",
        '<td class="number">',
        "taking the given codes",
        "k-means on these codes",
        'from these images and the codes in <bdi class="path">codes.npy</bdi>.',
    ):
        assert said in page
    words = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    for absent in ("reconstruction", "decoded", "The network squeezes", "go on learning"):
        assert absent not in words


def test_rows_of_used_images_alone_give_the_same_bytes(
    run: Run, pictures: Path, codes: Path, tmp_path: Path
) -> None:
    rows = used_rows(run, codes)
    assert len(rows) == 800
    out = tmp_path / "run"
    fit(pictures, out, recipe=tree_recipe(), codes=rows, known_labels="folders")
    assert bytes_of(out) == bytes_of(run.path)
    assert Run.open(out).info["codes"]["file"] == "an array in memory"


def test_an_array_has_the_sum_of_its_file(codes: Path) -> None:
    table = np.load(codes)
    assert open_codes(table).sha256 == open_codes(codes).sha256 == sha256_of(codes)


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint16", ">f8"])
def test_numbers_of_any_type_become_float32(dtype: str, tmp_path: Path) -> None:
    table = np.asfortranarray(np.arange(60).reshape(20, 3).astype(dtype))
    np.save(tmp_path / "x.npy", table)
    for given in (open_codes(tmp_path / "x.npy"), open_codes(table)):
        taken = given.take(np.array([19, 3]))
        assert taken.dtype == np.float32
        assert taken.tolist() == [[57, 58, 59], [9, 10, 11]]


class StopAt(Progress):
    """Interrupts at the n-th word that the pipeline says to its progress."""

    def __init__(self, n: int) -> None:
        self.left = n

    def start(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_stopped_run_resumes_to_the_same_bytes(
    run: Run, pictures: Path, codes: Path, tmp_path: Path, n: int
) -> None:
    arguments = {"recipe": tree_recipe(), "known_labels": "folders"}
    out, moved = tmp_path / "run", tmp_path / "moved.npy"
    with pytest.raises(KeyboardInterrupt):
        fit(pictures, out, codes=codes, progress=StopAt(n), **arguments)
    shutil.copy(codes, moved)
    fit(pictures, out, codes=moved, resume=True, **arguments)
    assert bytes_of(out) == bytes_of(run.path)
    assert Run.open(out).info["codes"]["file"] == "moved.npy"


@pytest.mark.parametrize("other", [True, False], ids=["other codes", "none"])
def test_a_run_goes_on_with_the_same_codes_alone(
    run: Run, pictures: Path, codes: Path, other: bool
) -> None:
    before = bytes_of(run.path)
    given = np.load(codes) + 1 if other else None
    arguments = {"recipe": tree_recipe(), "known_labels": "folders", "resume": True}
    with pytest.raises(RunError) as caught:
        fit(pictures, run.path, codes=given, **arguments)
    assert str(caught.value) == (
        "A run can only be resumed with the settings it was begun with; got other codes than in "
        f"{run.path}. Repeat the first command with --resume, or choose another folder with -o."
    )
    fit(pictures, run.path, codes=codes, **arguments)
    assert bytes_of(run.path) == before


def test_wrong_counts_are_one_sentence_and_the_right_file_goes_on(
    run: Run, pictures: Path, codes: Path, tmp_path: Path
) -> None:
    out, arguments = tmp_path / "run", {"recipe": tree_recipe(), "known_labels": "folders"}
    np.save(tmp_path / "short.npy", np.load(codes)[:-3])
    with pytest.raises(InputError) as caught:
        fit(pictures, out, codes=tmp_path / "short.npy", **arguments)
    assert str(caught.value) == (
        "the codes must have a row for each of the 802 files, or for each of the 800 images that "
        f"are used; got 799 rows in short.npy. {IN_ORDER}"
    )
    assert not (out / "codes").exists()
    fit(pictures, out, codes=codes, resume=True, **arguments)
    assert bytes_of(out) == bytes_of(run.path)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1e19])
def test_numbers_that_are_not_finite_are_refused_by_their_row(
    pictures: Path, codes: Path, tmp_path: Path, wrong: float
) -> None:
    table = np.load(codes)
    table[[700, 750], 5] = wrong
    with pytest.raises(InputError) as caught:
        fit(pictures, tmp_path / "run", recipe=tree_recipe(), codes=table)
    assert str(caught.value) == (
        "the codes of used images must be finite and at most 1e+18 in size; got NaN, infinite or "
        "larger numbers in row 700 of an array in memory. Mend what made them."
    )
    assert not (tmp_path / "run" / "codes").exists()


def save_objects(file: Path) -> None:
    np.save(file, np.array([[{}]], dtype=object), allow_pickle=True)


DAMAGED = (
    "the codes must be a whole .npy file of plain numbers; got a damaged file, another format or "
    "Python objects in {name!r}. Save them with numpy.save, without dtype=object."
)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda file: None, "the codes must exist; got {name!r}. Check the path."),
        (lambda file: file.write_text("1,2\n3,4\n"), DAMAGED),
        (lambda file: file.write_bytes(b""), DAMAGED),
        (lambda file: np.savez(file.open("wb"), codes=np.ones((5, 2))), DAMAGED),
        (save_objects, DAMAGED),
        (
            lambda file: np.save(file, np.ones((600, 7, 7, 32), np.float16)),
            "the codes must be a table with a row of numbers for each picture; got shape "
            "(600, 7, 7, 32) in x.npy. Reshape them, for example with .reshape(len(codes), -1).",
        ),
        (
            lambda file: np.save(file, np.ones(600)),
            "the codes must be a table with a row of numbers for each picture; got shape (600,) "
            "in x.npy. Reshape them, for example with .reshape(len(codes), -1).",
        ),
        (
            lambda file: np.save(file, np.ones((600, 4), np.complex64)),
            "the codes must be whole numbers or floats; got complex64 in x.npy. Convert them, for "
            "example with .astype('float32').",
        ),
    ],
)
def test_files_that_hold_no_codes_are_refused_before_anything_is_written(
    write: object, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.npy"
    write(file)
    with pytest.raises(InputError) as caught:
        fit(tmp_path, tmp_path / "run", recipe=tree_recipe(), codes=file)
    assert str(caught.value) == message.format(name=str(file))
    assert not (tmp_path / "run").exists()


def test_a_torn_file_is_refused(codes: Path, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(codes.read_bytes()[:-100])
    with pytest.raises(InputError) as caught:
        open_codes(tmp_path / "x.npy")
    assert str(caught.value) == DAMAGED.format(name=str(tmp_path / "x.npy"))


@pytest.mark.parametrize("per_file", [True, False])
def test_each_shard_gets_the_rows_of_its_images(tmp_path: Path, per_file: bool) -> None:
    run = Run.create(tmp_path / "run", "", {"items": 7, "shard_rows": 3})
    outcomes = ["used", "empty", "used", "empty", "empty", "empty", "used"]
    for shard, start in enumerate((0, 3, 6)):
        here = outcomes[start : start + 3]
        ids = list(range(start, start + len(here)))
        run.write_table("images", shard, pl.DataFrame({"id": ids, "outcome": here}))
        run.write_array("pixels", shard, np.zeros((here.count("used"), 2, 2, 1), np.uint8))
    table = np.arange(14.0).reshape(7, 2)
    take(run, open_codes(table if per_file else table[[0, 2, 6]]), Progress())
    shards = [run.read_array("codes", shard).tolist() for shard in range(3)]
    assert shards == [[[0, 1], [4, 5]], [], [[12, 13]]]


def test_cut_and_compare_work(run: Run, small_run: Path) -> None:
    assert len(cut(run.path, 15)["sizes"]) == 15
    found = compare(run.path, run.path)
    assert found["figures"]["codes"] == ["codes.npy", "codes.npy"]
    assert found["ari"] == 1
    assert compare(small_run, run.path)["figures"]["codes"] == [None, "codes.npy"]


def test_new_pictures_are_placed_by_their_codes(
    run: Run, digits: tuple, network: Callable[[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    images, known = digits[0][795:900], digits[1][795:900]  # five were in the fit
    np.save(tmp_path / "new.npy", images)
    np.save(tmp_path / "codes.npy", network(images))
    out = tmp_path / "p.csv"
    found = command_json(
        *("predict", run.path, tmp_path / "new.npy", "--codes", tmp_path / "codes.npy", "-o", out)
    )
    assert (found["images"], found["used"]) == (105, 105)
    placed = pl.read_csv(out)["cluster"].to_numpy()
    names = [held["counts"][0][0] for held in run.metrics["contents"]]
    assert np.mean([names[c] == str(k) for c, k in zip(placed, known, strict=True)]) > 0.7


def test_pictures_of_the_fit_get_their_own_clusters(
    run: Run, pictures: Path, codes: Path, tmp_path: Path
) -> None:
    found = predict(run.path, pictures, codes=codes, output=tmp_path / "p.csv")
    placed = pl.read_csv(found["output"])["cluster"]
    assert placed.drop_nulls().to_list() == run.assignments()["cluster"].to_list()
    assert placed.is_null().sum() == found["problems"]["unreadable"] == 1


def test_predicting_needs_codes_of_the_right_shape(
    run: Run, small_run: Path, pictures: Path, codes: Path
) -> None:
    table = np.load(codes)
    for path, given, message in (
        (
            run.path,
            None,
            "a run on given codes needs codes for new pictures too; got none for "
            f"{run.path}, whose codes came from codes.npy. Make them with the same network, and "
            "add --codes FILE.npy.",
        ),
        (
            run.path,
            table[:800],
            "the codes must have a row for each of the 802 new files; got 800 rows in an array in "
            f"memory. {IN_ORDER}",
        ),
        (
            run.path,
            table[:, :63],
            "the codes must have 64 numbers each, as those of the fit had; got 63 in an array in "
            "memory. Make them with the network that made the codes of the fit.",
        ),
        (
            small_run,
            table,
            f"only a run on given codes takes codes for new pictures; got codes for {small_run}, "
            "whose network makes them. Leave --codes out.",
        ),
    ):
        with pytest.raises(InputError) as caught:
            predict(path, pictures, codes=given)
        assert str(caught.value) == message
    assert not (run.path / "predictions.csv").exists()
