"""The functional core: whatever is done, undone and done again, the rows tell the state."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.label.actions import ActionError, apply, clean_name, touches
from pictree.label.history import History, Row
from pictree.label.state import Check, Group, State, key_of, touched

IDS = [0, 1, 2, 5, 6, 8, 9, 13]  # ids have gaps where files were not used
START = {"groups": [[0, 1, 2, 5], [6, 8], [9, 13]], "titles": ["0", "1", "2"]}
A, B, C = (key_of(1, i) for i in range(3))


def started(*rows: tuple[str, dict]) -> History:
    numbers = count(1)
    return History(
        Row(n, float(n), kind, body)
        for n, (kind, body) in zip(numbers, [("start", START), *rows], strict=False)
    )


def groups_of(state: State) -> dict[int, list[int]]:
    return {key: state.members(key).tolist() for key in state.groups}


def test_the_start_is_the_clusters() -> None:
    state = started().state
    assert groups_of(state) == {A: [0, 1, 2, 5], B: [6, 8], C: [9, 13]}
    assert state.sizes == {A: 4, B: 2, C: 2}
    assert state.of_open().all()


def test_a_name_for_a_part_leaves_the_rest_waiting() -> None:
    state = started(("label", {"group": A, "name": " se\u0301ven ", "ids": [5, 0]})).state
    part = key_of(2, 0)
    assert groups_of(state) == {A: [1, 2], B: [6, 8], C: [9, 13], part: [0, 5]}
    assert state.groups[part] == Group("0.1", label="s\u00e9ven")
    assert state.groups[A].is_open


def test_merge_keeps_the_first_name_and_split_opens_what_leaves() -> None:
    history = started(
        ("label", {"group": B, "name": "cat"}),
        ("merge", {"groups": [B, C]}),
        ("split", {"group": B, "parts": [[9], [13]]}),
    )
    state = history.state
    assert state.groups[B].label == "cat"
    assert groups_of(state)[B] == [6, 8]
    assert [state.groups[key_of(4, i)] for i in (0, 1)] == [Group("1.1"), Group("1.2")]


def test_a_check_stays_with_the_images_that_it_is_about() -> None:
    check = {"group": A, "ids": [0, 1, 2], "seen": [0, 2], "wrong": [2]}
    history = started(("check", check), ("label", {"group": A, "name": "x", "ids": [0, 1]}))
    assert history.state.groups[key_of(3, 0)].check == Check(
        np.array([0, 1, 2], np.uint32), 2, np.array([2], np.uint32)
    )
    assert history.state.groups[A].check is None
    moved = started(("check", {**check, "ids": None}), ("move", {"ids": [6], "to": A}))
    assert moved.state.groups[A].check is None


def test_an_emptied_group_is_gone_and_undo_brings_it_back() -> None:
    history = started(("move", {"ids": [6, 8], "to": C}))
    assert groups_of(history.state) == {A: [0, 1, 2, 5], C: [6, 8, 9, 13]}
    history.push(Row(3, 3.0, "undo", {}))
    assert history.state == started().state


def test_added_images_never_take_a_name_and_outlive_an_undo() -> None:
    added = {"groups": [[20], [21]], "titles": ["0 (added)", "1 (added)"]}
    history = started(("label", {"group": A, "name": "x"}), ("added", added))
    assert [history.state.groups[key_of(3, i)].label for i in (0, 1)] == [None, None]
    history.push(Row(4, 4.0, "undo", {}))
    assert history.state.groups[A].label is None
    assert history.state.ids.tolist() == [*IDS, 20, 21]
    history.push(Row(5, 5.0, "redo", {}))
    assert history.state.groups[A].label == "x"


def test_a_new_action_ends_what_could_be_redone() -> None:
    history = started(("junk", {"group": A}), ("undo", {}), ("junk", {"group": B}))
    with pytest.raises(ActionError, match="something to redo"):
        history.push(Row(5, 5.0, "redo", {}))


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("fly", {}, "an action must be known; got 'fly'. Load the page again."),
        (
            "label",
            {"group": 7, "name": "x"},
            "the group must be there; got one that is gone. Look again.",
        ),
        (
            "label",
            {"group": A, "name": " "},
            "a name must be one line of 1 to 200 characters; got ' '. Type another name.",
        ),
        (
            "label",
            {"group": A, "name": "a\nb"},
            "a name must be one line of 1 to 200 characters; got 'a\\nb'. Type another name.",
        ),
        (
            "label",
            {"group": A, "name": "x", "ids": [6]},
            "the pictures must be of the group; got others. Look again.",
        ),
        (
            "label",
            {"group": A, "name": "x", "ids": [3]},
            "every picture must be of this run; got others. Load it again.",
        ),
        (
            "label",
            {"group": A, "name": "x", "ids": [True]},
            "pictures must be given by their ids; got [True]. Try again.",
        ),
        (
            "label",
            {"group": "1", "name": "x"},
            "a group must be a number; got '1'. Load the page again.",
        ),
        (
            "split",
            {"group": A, "parts": [[0], [0]]},
            "a picture can go to one part alone; got some twice. Try again.",
        ),
        (
            "split",
            {"group": A, "parts": [[0, 1, 2, 5]]},
            "a split must leave something; got all of it. Choose fewer.",
        ),
        ("merge", {"groups": [A]}, "a merge needs two groups; got 1. Choose more."),
        (
            "check",
            {"group": A, "seen": [6], "wrong": []},
            "a spot check must be about pictures of its group; got others. Check again.",
        ),
        ("move", {"ids": [], "to": A}, "pictures must be given by their ids; got []. Try again."),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    kind: str, body: dict, message: str
) -> None:
    history = started()
    with pytest.raises(ActionError) as error:
        history.push(Row(2, 2.0, kind, body))
    assert str(error.value) == message
    assert history.state == started().state
    assert history.number == 1


def test_spread_and_regroup_take_waiting_images_alone() -> None:
    history = started(("label", {"group": A, "name": "x"}))
    with pytest.raises(ActionError, match="must wait for a name"):
        history.push(Row(3, 3.0, "regroup", {"parts": [[0], [6]]}))
    history.push(Row(3, 3.0, "spread", {"names": ["x", "y"], "parts": [[6, 9], [8]]}))
    state = history.state
    assert state.groups[key_of(3, 0)] == Group("near", label="x", by="spread")
    assert groups_of(state) == {A: [0, 1, 2, 5], C: [13], key_of(3, 0): [6, 9], key_of(3, 1): [8]}


@pytest.mark.parametrize("name", ["7", "été", "<script>", "猫", "a b"])
def test_names_are_kept_as_text(name: str) -> None:
    assert clean_name(name) == name


def subsets(ids: list[int]) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from(ids), min_size=1, unique=True)


@st.composite
def next_action(draw: st.DrawFn, state: State) -> tuple[str, dict]:
    key = draw(st.sampled_from(sorted(state.groups)))
    part = draw(subsets(state.members(key).tolist()))
    kind = draw(st.sampled_from(["label", "junk", "split", "merge", "move", "check", "regroup"]))
    if kind == "label":
        return kind, {"group": key, "name": draw(st.sampled_from(["a", "b", None])), "ids": part}
    if kind == "junk":
        return kind, {"group": key, "ids": draw(st.sampled_from([None, part]))}
    if kind == "split":
        return kind, {"group": key, "parts": [part]}
    if kind == "merge":
        return kind, {"groups": [key, draw(st.sampled_from(sorted(state.groups)))]}
    if kind == "move":
        return kind, {"ids": draw(subsets(state.ids.tolist())), "to": key}
    if kind == "check":
        return kind, {"group": key, "ids": None, "seen": part, "wrong": part[:1]}
    waiting = state.ids[state.of_open()].tolist()
    return kind, {"parts": [draw(subsets(waiting or IDS))]}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_tell_the_state_and_undo_takes_back(data: st.DataObject) -> None:
    """Live = replay; undo after do = before; every image is in one group that is there."""
    rows = [Row(1, 1.0, "start", START)]
    live = History(rows)
    for number in range(2, data.draw(st.integers(3, 14))):
        before = live.state
        undo_or_redo = data.draw(st.sampled_from([None, None, None, "undo", "redo"]))
        kind, body = (undo_or_redo, {}) if undo_or_redo else data.draw(next_action(before))
        row = Row(number, float(number), kind, body)
        try:
            live.refuse_impossible(kind, body)
        except ActionError:
            rows.append(
                Row(number, float(number), "added", {"groups": [[100 + number]], "titles": ["n"]})
            )
            live.push(rows[-1])
            continue
        if undo_or_redo is None:
            after = apply(before, kind, body, number)
            assert touched(before, after) >= touches(before, kind, body) & touched(before, after)
            assert after.ids is before.ids
        rows.append(row)
        live.push(row)
        if undo_or_redo is None:
            once = History(rows)
            once.push(Row(number + 1, 0.0, "undo", {}))
            assert once.state == before
            once.push(Row(number + 2, 0.0, "redo", {}))
            assert once.state == live.state
        assert live.state == History(rows).state
        assert set(np.unique(live.state.group).tolist()) == set(live.state.groups)
    while any(row.kind not in ("start", "added") for row in live.standing):
        live.push(Row(live.number + 1, 0.0, "undo", {}))
    facts = list(live.standing)
    assert live.state == History(facts).state
