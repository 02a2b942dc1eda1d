from __future__ import annotations

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from pictree.errors import SourceError
from pictree.images.known_labels import labels_beside, read_known_labels
from pictree.images.sources import open_source


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    for name in ("cat/1.png", "cat/deep/2.png", "dog/1.png", "top.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(root / name)
    return root


def message(spec, source) -> str:
    with pytest.raises(SourceError) as caught:
        read_known_labels(spec, source)
    return str(caught.value)


def test_none(folder):
    assert read_known_labels(None, open_source(folder)) is None


def test_folders(folder):
    assert read_known_labels("folders", open_source(folder)) == ["cat", "cat", "dog", None]


def test_folders_given_one_by_one(folder):
    source = open_source([folder / "cat", folder / "dog"])
    assert read_known_labels("folders", source) == ["cat", "deep", "dog"]


def test_folders_in_an_archive(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, path.relative_to(folder))
    source = open_source(tmp_path / "p.zip")
    assert read_known_labels("folders", source) == ["cat", "cat", "dog", None]


def test_folders_of_an_array():
    assert message("folders", open_source(np.zeros((2, 3, 3)))) == (
        "known labels from folders need pictures in folders; got an array, 'array'. "
        "Give a label file, or a key or column of the file."
    )


def test_idx_and_beside(digits_idx, digits):
    source = open_source(digits_idx[0])
    assert labels_beside(source) == [digits_idx[1]]
    labels = read_known_labels(str(digits_idx[1]), source)
    assert labels == [str(digit) for digit in digits[1]]


def test_beside_needs_a_file_for_each(digits_idx, tmp_path):
    lonely = tmp_path / "x-images-idx3-ubyte.gz"
    shutil.copy(digits_idx[0], lonely)
    assert labels_beside(open_source(lonely)) is None
    assert labels_beside(open_source([digits_idx[0], lonely])) is None
    assert labels_beside(open_source(np.zeros((1, 2, 2)))) is None


def test_several_in_order(digits_idx):
    source = open_source([digits_idx[0], digits_idx[0]])
    specs = [digits_idx[1], digits_idx[1]]
    labels = read_known_labels(specs, source)
    assert len(labels) == 20_000
    assert labels[:10_000] == labels[10_000:]
    assert read_known_labels(labels_beside(source), source) == labels
    assert message(specs * 2, source) == (
        "there must be one file of known labels for each file of images, in the same order; got "
        "4 for 2. Give them in the same order, or a single one for all."
    )


def test_wrong_count(digits_idx):
    source = open_source(np.zeros((3, 2, 2)))
    assert message(str(digits_idx[1]), source) == (
        f"there must be as many known labels as images; got 10,000 labels in '{digits_idx[1]}' "
        "for 3 images. Give the labels that belong to these images, in the same order."
    )


def test_images_in_place_of_labels(digits_idx):
    assert message(str(digits_idx[0]), open_source(digits_idx[0])).startswith(
        "known labels must be one for each image; got an array of shape (10000, 28, 28) in "
    )


def test_csv(folder, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("label,path,note\nred,./cat/1.png,\n,dog/1.png,x\nblue,top.png,\nq,no.png,\n")
    labels = read_known_labels(str(path), open_source(folder))
    assert labels == ["red", None, None, "blue"]


def test_csv_that_does_not_fit(folder, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("path,label\n/home/me/1.png,red\n")
    assert message(str(path), open_source(folder)) == (
        "the paths in a CSV of known labels must be those of the images; got '/home/me/1.png' in "
        "the CSV, 'cat/1.png' in the source. Write the paths relative to the source."
    )
    path.write_text("file;class\n")
    assert message(str(path), open_source(folder)) == (
        "a CSV of known labels must have a header with 'path' and 'label'; got 'file;class'. "
        f"Add it to '{path}'."
    )
    path.write_bytes(b"path,label\n\xff\xfe,1\n")
    assert message(str(path), open_source(folder)) == (
        f"a CSV of known labels must be UTF-8 text; got '{path}', which can't be read. "
        "Save it as CSV, UTF-8."
    )


def test_keys_of_the_npz(tmp_path):
    path = tmp_path / "d.npz"
    images = np.zeros((5, 3, 3))
    np.savez(path, x=images[:3], z=images[3:], y=np.array([1.0, 2.0, 3.0]), t=["a", "b"])
    source = open_source(path)
    assert read_known_labels(["y", "t"], source) == ["1", "2", "3", "a", "b"]
    assert read_known_labels("y", open_source(f"{path}:x")) == ["1", "2", "3"]
    assert message("q", open_source(f"{path}:x")) == (
        "'d.npz:x' must hold the known labels; got no 'q'; it holds x (3, 3, 3), z (2, 3, 3), "
        "y (3,), t (2,). Name one of these keys."
    )


def test_no_such_file(folder):
    assert message("labels.csv", open_source(folder)) == (
        "known labels must be 'folders', a CSV, an IDX label file, or a key or column of the "
        "file; got 'labels.csv', which is no file. Check the path."
    )


def test_real_data_sets(data_dir):
    usps = open_source(data_dir / "usps.npz")
    labels = read_known_labels(["y_train", "y_test"], usps)
    assert len(labels) == len(usps) == 9298
    assert sorted(set(labels)) == list("0123456789")


def test_folders_below_those_of_splits(tmp_path):
    for name in ("train/cat/1.png", "train/dog/deep/1.png", "test/cat/1.png", "test/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    assert read_known_labels("folders", open_source(tmp_path)) == [None, "cat", "cat", "dog"]
    (tmp_path / "more").mkdir()
    Image.new("L", (2, 2)).save(tmp_path / "more" / "1.png")
    labels = read_known_labels("folders", open_source(tmp_path))
    assert labels == ["more", "test", "test", "train", "train"]
