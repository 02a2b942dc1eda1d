"""Parquet, saved data sets, HDF5, WebDataset and TIFF stacks give the images that went in."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.errors import SourceError
from pictree.images.decode import ImageFormat, decode
from pictree.images.inventory import take_stock
from pictree.images.known_labels import read_known_labels
from pictree.images.outcome import Unusable
from pictree.images.reopen import Originals
from pictree.images.sources import open_source

FORMAT = ImageFormat(28, 28, 1, "as it is")


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def pixels_of(source: object) -> np.ndarray:
    """All used pixels, (n, 28, 28), read as a fit reads them."""
    opened = open_source(source)
    seen: dict[bytes, int] = {}
    table, pixels = take_stock(opened, range(len(opened)), FORMAT, first_id=0, seen=seen)
    assert set(table["outcome"]) == {"used"}
    return pixels[..., 0]


def assert_reopens(source: object) -> None:
    """What `Source.describe` says is enough to read the same again, as an export does."""
    opened = open_source(source)
    parts = getattr(opened, "parts", [opened])
    again = Originals([part.describe() for part in parts])
    for item in (0, len(opened) - 1):
        first, second = opened.read(item), again.read(item, opened.paths[item])
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


@pytest.fixture(scope="module")
def images(digits: tuple) -> np.ndarray:
    return digits[0][:600]


@pytest.fixture(scope="module")
def known(digits: tuple) -> list[int]:
    return digits[1][:600].tolist()


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory, images: np.ndarray, known: list) -> Path:
    """As Hugging Face writes it: a struct of bytes and path, and a label."""
    file = tmp_path_factory.mktemp("parquet") / "train.parquet"
    rows = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(images)]
    pl.DataFrame({"image": rows, "label": known}).write_parquet(file, row_group_size=100)
    return file


class TestParquet:
    def test_a_struct_of_bytes(self, parquet: Path, images: np.ndarray, known: list) -> None:
        np.testing.assert_array_equal(pixels_of(parquet), images)
        source = open_source(parquet)
        assert source.paths[7] == "train.parquet[7]"
        assert read_known_labels("label", source) == [str(label) for label in known]
        assert_reopens(parquet)

    def test_shards_by_a_glob(self, parquet: Path, images: np.ndarray, tmp_path: Path) -> None:
        table = pl.read_parquet(parquet)
        table[:250].write_parquet(tmp_path / "a-0.parquet")
        table[250:].write_parquet(tmp_path / "a-1.parquet")
        pattern = str(tmp_path / "*.parquet")
        np.testing.assert_array_equal(pixels_of(pattern), images)
        labels = read_known_labels("label", open_source(pattern))
        assert labels == table["label"].cast(pl.String).to_list()
        assert_reopens(pattern)

    def test_a_binary_column_by_its_name(self, images: np.ndarray, tmp_path: Path) -> None:
        raw = [png(image) for image in images[:9]]
        file = tmp_path / "a.parquet"
        pl.DataFrame({"front": raw, "back": raw[::-1], "n": range(9)}).write_parquet(file)
        np.testing.assert_array_equal(pixels_of(f"{file}:back"), images[8::-1])
        assert_reopens(f"{file}:back")
        with pytest.raises(SourceError) as caught:
            open_source(file)
        assert str(caught.value) == (
            f"'{file}' must hold a column of pictures, as bytes; got several or none that could "
            f"be; its columns are 'front', 'back', 'n'. Name the column, as {file}:COLUMN."
        )

    def test_rows_without_bytes_have_an_outcome(self, images: np.ndarray, tmp_path: Path) -> None:
        file = tmp_path / "a.parquet"
        cells = [{"bytes": png(images[0]), "path": None}, {"bytes": None, "path": "/x.png"}, None]
        pl.DataFrame({"image": cells}).write_parquet(file)
        source = open_source(file)
        for item, said in ((1, "unreadable: the table has its path alone, not its bytes"),
                           (2, "empty: no value")):  # fmt: skip
            with pytest.raises(Unusable) as caught:
                source.read(item)
            assert str(caught.value) == said

    def test_a_damaged_file_and_a_wrong_column(self, parquet: Path, tmp_path: Path) -> None:
        broken = tmp_path / "broken.parquet"
        broken.write_bytes(parquet.read_bytes()[:1000])
        with pytest.raises(SourceError) as caught:
            open_source(broken)
        assert str(caught.value) == (
            f"'{broken}' must be a whole Parquet file; got a damaged file. "
            "Download or write it again."
        )
        with pytest.raises(SourceError) as caught:
            read_known_labels("kind", open_source(parquet))
        assert str(caught.value) == (
            "'train.parquet' must hold the known labels; got no 'kind'; it holds 'image', 'label'."
            " Name one of these columns."
        )

    def test_a_folder_of_them_says_how_to_name_them(self, parquet: Path) -> None:
        with pytest.raises(SourceError, match="Name one or more of those files, such as"):
            open_source(parquet.parent)


def write_saved(folder: Path, rows: list[dict], labels: list[int], batch: int) -> None:
    """Write what ``save_to_disk`` writes: Arrow's stream format, state.json, dataset_info.json."""
    import pyarrow as arrow

    folder.mkdir(parents=True)
    kind = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    table = arrow.table({"image": arrow.array(rows, kind), "label": labels})
    name = "data-00000-of-00001.arrow"
    with arrow.ipc.new_stream(folder / name, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    (folder / "dataset_info.json").write_text("{}")


class TestSavedDataset:
    @pytest.fixture
    def saved(self, images: np.ndarray, known: list, tmp_path: Path) -> Path:
        rows = [{"bytes": png(image), "path": None} for image in images]
        write_saved(tmp_path / "set" / "train", rows[:400], known[:400], 150)
        write_saved(tmp_path / "set" / "test", rows[400:], known[400:], 1000)
        said = json.dumps({"splits": ["train", "test"]})
        (tmp_path / "set" / "dataset_dict.json").write_text(said)
        return tmp_path / "set"

    def test_splits_follow_each_other(self, saved: Path, images: np.ndarray, known: list) -> None:
        np.testing.assert_array_equal(pixels_of(saved), images)
        source = open_source(saved)
        assert (source.paths[399], source.paths[400]) == ("train[399]", "test[0]")
        assert read_known_labels("label", source) == [str(label) for label in known]
        np.testing.assert_array_equal(pixels_of(saved / "test"), images[400:])
        assert_reopens(saved)

    def test_a_torn_file_is_named(self, saved: Path) -> None:
        file = next((saved / "test").glob("*.arrow"))
        file.write_bytes(file.read_bytes()[:500])
        with pytest.raises(SourceError) as caught:
            open_source(saved)
        assert str(caught.value) == (
            f"a saved data set must be whole; got a damaged or empty '{file}'. "
            "Save it again with save_to_disk."
        )

    @pytest.mark.slow
    def test_what_datasets_saves(self, images: np.ndarray, known: list, tmp_path: Path) -> None:
        import datasets

        features = datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=10)}
        )
        rows = {"image": [Image.fromarray(image) for image in images[:50]], "label": known[:50]}
        made = datasets.Dataset.from_dict(rows, features=features)
        made.save_to_disk(tmp_path / "set", num_shards=2)
        made.to_parquet(tmp_path / "set.parquet")
        for source in (tmp_path / "set", tmp_path / "set.parquet"):
            np.testing.assert_array_equal(pixels_of(source), images[:50])
            assert read_known_labels("label", open_source(source)) == [str(k) for k in known[:50]]


class TestHdf5:
    @pytest.fixture
    def file(self, images: np.ndarray, known: list, tmp_path: Path) -> Path:
        import h5py

        file = tmp_path / "digits.h5"
        with h5py.File(file, "w") as h5:
            h5.create_dataset("train/images", data=images[:400], chunks=(50, 28, 28))
            h5.create_dataset("known", data=np.array(known[:400]))
            h5.create_dataset("names", data=[f"kind {k}" for k in known[:400]])
            h5["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
        return file

    def test_the_one_that_is_images(self, file: Path, images: np.ndarray, known: list) -> None:
        np.testing.assert_array_equal(pixels_of(file), images[:400])
        source = open_source(file)
        assert source.paths[3] == "digits.h5:train/images[3]"
        assert read_known_labels("known", source) == [str(k) for k in known[:400]]
        assert read_known_labels("names", source) == [f"kind {k}" for k in known[:400]]
        np.testing.assert_array_equal(pixels_of(f"{file}:train/images"), images[:400])
        assert_reopens(file)

    def test_mistakes_are_one_sentence(self, file: Path) -> None:
        listed = "known (400,) int64, names (400,) object, train/images (400, 28, 28) uint8"
        with pytest.raises(SourceError) as caught:
            open_source(f"{file}:test")
        assert str(caught.value) == (
            f"'{file}' must hold the array of images; got no 'test'; it holds {listed}. "
            f"Name the data set, as {file}:KEY."
        )
        file.write_bytes(file.read_bytes()[:300])
        with pytest.raises(SourceError) as caught:
            open_source(file)
        assert str(caught.value) == (
            f"'{file}' must be a whole HDF5 file; got a damaged file. Write or download it again."
        )


class TestWebDataset:
    @pytest.fixture
    def shard(self, images: np.ndarray, known: list, tmp_path: Path) -> Path:
        file = tmp_path / "shard-000.tar"
        with tarfile.open(file, "w") as tar:
            for i in range(20):
                about = {"png": png(images[i]), "cls": str(known[i]).encode(), "json": b"{}"}
                for suffix, raw in about.items():
                    if (i, suffix) == (5, "cls"):
                        continue
                    member = tarfile.TarInfo(f"a/{i:04}.{suffix}")
                    member.size = len(raw)
                    tar.addfile(member, io.BytesIO(raw))
        return file

    def test_pictures_with_their_classes(
        self, shard: Path, images: np.ndarray, known: list
    ) -> None:
        np.testing.assert_array_equal(pixels_of(shard), images[:20])
        expected: list[str | None] = [str(label) for label in known[:20]]
        expected[5] = None
        source = open_source(shard)
        assert read_known_labels("cls", source) == expected
        assert source.paths[4] == "a/0004.png"
        assert_reopens(shard)

    def test_a_tar_without_classes_lists_everything(
        self, shard: Path, images: np.ndarray, tmp_path: Path
    ) -> None:
        with tarfile.open(tmp_path / "plain.tar", "w") as tar:
            for name in ("a.png", "a.json"):
                tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        assert list(open_source(tmp_path / "plain.tar").paths) == ["a.png", "a.json"]


class TestStacks:
    def test_each_page_is_an_image(self, images: np.ndarray, tmp_path: Path) -> None:
        file = tmp_path / "stack.tif"
        pages = [Image.fromarray(image) for image in images[:30]]
        pages[0].save(file, save_all=True, append_images=pages[1:], compression="tiff_lzw")
        np.testing.assert_array_equal(pixels_of(file), images[:30])
        assert open_source(file).paths[29] == "stack.tif[29]"
        assert_reopens(file)
        np.testing.assert_array_equal(pixels_of([file, file.parent])[:30], images[:30])

    def test_sixteen_bits_stay(self, images: np.ndarray, tmp_path: Path) -> None:
        file = tmp_path / "deep.tiff"
        deep = [Image.fromarray(image.astype(np.uint16) * 257) for image in images[:3]]
        deep[0].save(file, save_all=True, append_images=deep[1:])
        source = open_source(file)
        for i in range(3):
            pixels, header = decode(source.read(i), FORMAT)
            assert header.bit_depth == 16
            np.testing.assert_array_equal(pixels[..., 0], images[i])

    def test_one_page_is_a_picture(self, images: np.ndarray, tmp_path: Path) -> None:
        Image.fromarray(images[0]).save(tmp_path / "one.tif")
        assert open_source(tmp_path / "one.tif").kind == "files"


@pytest.mark.parametrize(
    ("module", "extra", "what"),
    [("h5py", "hdf5", "an HDF5 file"), ("pyarrow", "arrow", "a saved data set")],
)
def test_an_absent_extra_is_named_with_its_install_line(
    module: str, extra: str, what: str, tmp_path: Path
) -> None:
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "state.json").write_text('{"_data_files": []}')
    (tmp_path / "set" / "x.arrow").write_bytes(b"")
    file = tmp_path / ("a.h5" if module == "h5py" else "set")
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from pictree.images.sources import open_source\n"
        "try: open_source(sys.argv[1])\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True)
    assert done.stdout == (
        f"{what} needs the package {module} in working order; got ModuleNotFoundError: import of "
        f"{module} halted; None in sys.modules. Run pip install 'pictree[{extra}]'.\n"
    )
