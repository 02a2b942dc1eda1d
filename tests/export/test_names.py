"""Names that every file system takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pictree.export.names import Names, safe_name, split_suffix

ANY = st.text(max_size=300)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.png", "cat.png"),
        ("日本 ünï.png", "日本 ünï.png"),
        ("a/b\\c:d.png", "a_b_c_d.png"),
        ('new\nline"<b>".png', "new_line__b__.png"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("com10.png", "com10.png"),
        ("lpt¹.png", "_lpt¹.png"),
        ("..", "_"),
        ("", "_"),
        (".hidden.png", "_hidden.png"),
        ("ends. . ", "ends"),
        ("gnp\u202ejpg.exe", "gnp_jpg.exe"),
        ("e\u0301", "é"),
        ("x" * 300 + ".png", "x" * 251 + ".png"),
        ("é" * 200 + ".jpeg", "é" * 125 + ".jpeg"),
        ("one. two", "one. two"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(ANY)
@example("con .png")
@example("\ud800.png")
@example("a." + "b" * 300)
def test_a_safe_name_is_one_that_windows_and_linux_take(name: str) -> None:
    safe = safe_name(name)
    assert 1 <= len(safe.encode()) <= 255
    assert not set(safe) & set('<>:"/\\|?*\n\r\t\0')
    assert safe[0] not in ". "
    assert safe[-1] not in ". "
    assert safe.split(".")[0].rstrip().lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
    assert safe_name(safe) == safe


@given(st.lists(ANY, max_size=20), st.booleans())
@example(["a.png", "A.PNG", "a-000002.png", "a.png"], False)
@example(["a.png", "a.jpg", "A-000001.gif"], True)
def test_each_name_is_given_once(names: list[str], by_stem: bool) -> None:
    folder = Names(by_stem=by_stem)
    given_names = [folder.give(name, number) for number, name in enumerate(names)]
    keys = [(split_suffix(n)[0] if by_stem else n).casefold() for n in given_names]
    assert len(set(keys)) == len(names)
    assert all(len(name.encode()) <= 255 for name in given_names)
    again = Names(by_stem=by_stem)
    assert [again.give(name, number) for number, name in enumerate(names)] == given_names


@given(st.lists(ANY, max_size=8))
@example(["\n", "é" * 255, "..", "nul", "NUL", "\x00", "a/../../b"])
def test_the_file_system_takes_them(names: list[str]) -> None:
    folder = Names()
    with tempfile.TemporaryDirectory() as top:
        for number, name in enumerate(names):
            with (Path(top) / folder.give(name, number)).open("x") as file:
                file.write(name.encode("utf-8", "surrogatepass").hex())
        assert len(list(Path(top).iterdir())) == len(names)


def test_the_first_keeps_its_name_and_a_later_one_gets_its_number() -> None:
    names = Names(taken=("unlabelled",))
    assert names.give("a.png", 0) == "a.png"
    assert names.give("A.png", 12) == "A-000012.png"
    assert names.give("a-000013.png", 5) == "a-000013.png"
    assert names.give("a.png", 13) == "a-000013-2.png"
    assert names.give("Unlabelled", 3) == "Unlabelled-000003"
