from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.__main__ import append, read_results
from benchmarks.quality.measure import JobError, apart, effort, rank, read_rival, run
from benchmarks.quality.methods import METHODS, Rival, kmeans
from benchmarks.quality.rows import (
    LARGEST,
    ROWS,
    SMALLEST,
    draw,
    falling_sizes,
    tinted,
    two_kinds,
    unbalanced,
    write,
)
from benchmarks.quality.table import short, spread, tables

RECORD = {
    "row": "digits",
    "method": "kmeans",
    "seed": 0,
    "acc": 0.75,
    "ari": 0.5,
    "nmi": 0.5,
    "k": 10,
    "noise": 0.0,
    "seconds": 2.0,
    "peak_mb": 1100,
    "loaded": False,
    "date": "2026-11-21",
    "versions": {"pictree": "0.1.0"},
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def many(digits: tuple, times: int) -> tuple:
    """The packaged digits several times: enough for the largest class."""
    return np.concatenate([digits[0]] * times), np.concatenate([digits[1]] * times)


def test_sizes_fall_tenfold_to_some_five_thousand():
    sizes = falling_sizes(10, LARGEST, SMALLEST)
    assert sizes[0] == LARGEST
    assert sizes[-1] == SMALLEST
    assert sum(sizes) == ROWS["mnist-unbalanced"].images
    ratios = np.array(sizes[:-1]) / np.array(sizes[1:])
    np.testing.assert_allclose(ratios, 10 ** (1 / 9), rtol=0.01)


def test_unbalanced_classes_have_these_sizes_and_the_seed_says_which(digits):
    pictures = many(digits, 2)
    drawn = [unbalanced(pictures, rng(seed)) for seed in (0, 0, 1)]
    counts = [np.bincount(known, minlength=10).tolist() for _, known in drawn]
    assert sorted(counts[0], reverse=True) == falling_sizes(10, LARGEST, SMALLEST)
    assert counts[0] == counts[1] != counts[2]
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
    assert np.count_nonzero(np.diff(drawn[0][1])) > 3000  # shuffled, not class by class


def test_two_kinds_and_no_image_twice(digits):
    numbered = np.arange(len(digits[1]))
    rows, known = two_kinds((numbered, digits[1]), 800, rng(3))
    kinds, counts = np.unique(known, return_counts=True)
    assert len(kinds) == 2
    assert counts.tolist() == [800, 800]
    assert len(np.unique(rows)) == 1600
    np.testing.assert_array_equal(digits[1][rows], known)


def test_drawn_images_keep_their_labels(digits):
    rows, known = draw((np.arange(len(digits[1])), digits[1]), 300, rng())
    assert len(np.unique(rows)) == 300
    np.testing.assert_array_equal(digits[1][rows], known)


def test_tint_is_a_colour_and_the_same_for_all():
    grey = np.array([[[0, 100]], [[200, 255]]], np.uint8)
    colour, known = tinted((grey, np.array([0, 1])))
    assert colour.dtype == np.uint8
    assert colour.tolist() == [
        [[[0, 0, 0], [100, 80, 60]]],
        [[[200, 160, 120], [255, 204, 153]]],
    ]
    assert known.tolist() == [0, 1]


LARGE = ("mnist-70000", "fashion-70000", *(name for name, row in ROWS.items() if row.drawn))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in ROWS]
)
def test_rows_are_as_large_as_they_say(name, data_dir, tmp_path):
    row = ROWS[name]
    with np.load(write(name, data_dir, 1, tmp_path), allow_pickle=False) as held:
        assert held["images"].dtype == np.uint8
        assert len(held["images"]) == len(held["labels"]) == row.images
        assert len(np.unique(held["labels"])) == row.k
    assert len(list(tmp_path.iterdir())) == 1


def test_a_method_reads_a_file_in_its_own_process_and_is_scored(tmp_path):
    file = write("digits", tmp_path, 0, tmp_path)
    command = METHODS["kmeans"].command(file, 10, 0, tmp_path)
    seconds, peak_mb = apart(run, command, tmp_path)
    with np.load(file, allow_pickle=False) as held:
        rows = held["images"].reshape(1797, 64).astype(np.float32) / 255
    np.testing.assert_array_equal(np.load(tmp_path / "clusters.npy"), kmeans(rows, 10, 0))
    scores = read_rival(tmp_path, file, 10)
    assert scores["images"] == 1797
    assert scores["k"] == 10
    assert 0.7 < scores["acc"] < 0.9
    assert seconds > 0
    assert 50 < peak_mb < 1000


def test_peak_memory_is_the_child_s_alone(tmp_path):
    held = np.ones(200_000_000, np.uint8)  # ours, not the child's
    words = "x = bytearray(300_000_000); x[::4096] = b'1' * len(x[::4096])"
    assert 300 < apart(run, [sys.executable, "-c", words], tmp_path)[1] < 400
    assert apart(run, [sys.executable, "-c", ""], tmp_path)[1] < 100
    assert held.all()


def test_a_failing_method_leaves_its_last_words(tmp_path):
    word = "raise SystemExit('first line\\nno such thing')"
    with pytest.raises(JobError, match=r"^no such thing$"):
        run([sys.executable, "-c", word], tmp_path)
    with pytest.raises(JobError, match=r"^ended with -9$"):
        run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], tmp_path)


def test_absent_packages_are_told_with_the_install_line():
    rival = Rival("", kmeans, ("scikit-learn", "no-such-package-x", "nor-this-one-y"))
    assert rival.missing() == "pip install no-such-package-x nor-this-one-y"
    assert METHODS["quick"].missing() is None


def test_results_survive_a_torn_line(tmp_path, capsys):
    file = tmp_path / "results.jsonl"
    append(file, {"seed": 0})
    with file.open("a") as out:
        out.write('{"seed": 1, "ro')
    append(file, {"seed": 2})
    assert read_results(file) == [{"seed": 0}, {"seed": 2}]
    assert capsys.readouterr().err == "results.jsonl: a torn line is left out\n"


def test_measures_what_is_missing_alone(tmp_path):
    out = tmp_path / "results.jsonl"
    append(out, RECORD)
    command = [sys.executable, "-m", "benchmarks.quality", str(tmp_path), "--only", "digits"]
    command += ["--methods", "kmeans", "--seeds", "2", "--out", str(out), "--work", str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("digits, kmeans, seed 1: ACC 0.")
    kept, added = (json.loads(line) for line in out.read_text().splitlines())
    assert kept == RECORD
    assert (added["row"], added["method"], added["seed"]) == ("digits", "kmeans", 1)
    assert str(tmp_path) not in out.read_text()


def test_rank_of_the_true_k():
    measured = [{"k": 7, "score": 0.9}, {"k": 10, "score": 0.8}]
    assert rank(measured, 10) == 2
    assert rank(measured, 11) is None
    assert rank([{"k": 10, "score": None}, *measured], 10) is None
    assert rank([], 10) is None


def test_effort_after_the_budget():
    down = {"decisions": 50, "accuracy": 0.97, "random": 0.8}
    naming = {"decisions": 50, "accuracy": 0.96, "random": 0.8}
    found = effort({"budget": {"going_down": down, "naming": naming}})
    assert found == {"decisions": 50, "going_down": 0.97, "naming": 0.96, "random": 0.8}
    assert effort(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9684, ".968"), (1.0, "1.000"), (0.99951, "1.000"), (-0.0021, "-.002"), (0.0, ".000")],
)
def test_three_places(value, text):
    assert short(value) == text


def test_mean_and_deviation_over_seeds():
    found = [{"acc": 0.9}, {"acc": 0.8}, {"acc": None}]
    assert spread(found, "acc") == ".850 ± .050"
    assert spread(found[:1], "acc") == ".900"
    assert spread([{}], "acc") == "-"


def test_tables():
    busy = RECORD | {"seed": 1, "acc": 0.85, "loaded": True, "seconds": 99.0, "noise": 0.1, "k": 9}
    text = tables([RECORD | {"acc": 0.1}, RECORD, busy])  # measured again: the later counts
    assert "Measured 2026-11-21; pictree 0.1.0. Mean ± standard deviation" in text
    assert "| method | digits |\n| --- | --- |\n| kmeans | .800 ± .050 |" in text
    assert (
        "| kmeans | 2 | .800 ± .050 | .500 ± .000 | .500 ± .000 | 9-10 | 5.0% | 2.0 | 1,100 |"
        in text
    )
    assert "99" not in text
    assert "Leaves, decisions and k" not in text
    assert "| JULE: Yang, Parikh, Batra, CVPR 2016 | COIL-20 NMI 1.00 |" in text


def test_table_of_what_pictree_tells():
    effort = {"decisions": 50, "going_down": 0.97, "naming": 0.96, "random": 0.8}
    tree = {"leaves": 70, "leaf_purity": 0.99, "agreement": 0.95, "effort": effort}
    auto = RECORD | tree | {"method": "quick-auto", "rank": 2}
    text = tables([auto, auto | {"seed": 1, "rank": None, "leaves": 80, "effort": None}])
    line = "| digits | quick-auto | 70-80 | .990 ± .000 | .950 ± .000 | .970 | .960 | .800 | 2, - |"
    assert line in text
