"""Actions: what a person did, as plain data, and what each makes of a state. Nothing is written.

An action is a kind and a body of JSON values. Images are named by their ids, so that an action
means the same whatever is fitted, cut or added later.

========  ===================================================================================
kind      body
========  ===================================================================================
start     groups: lists of ids; titles: a string for each
added     the same, for images that joined the run later
label     group, name (null takes it back), ids (a part of the group that the name is for)
junk      group, ids
split     group, parts: lists of ids that leave it, each as a group of its own
merge     groups: keys; all go into the first, which keeps its name
move      ids, to: the key of a group
check     group, ids (a part), seen: ids looked at, wrong: those that did not belong
spread    names: a list of names, parts: the ids that get each; threshold, precision
regroup   parts: lists of ids, from groups that wait for a name
========  ===================================================================================

Undo and redo are rows of the history (`pictree.label.history`), not actions on a state.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pictree.errors import UserError
from pictree.label.state import Check, Group, State, key_of

FACTS = ("start", "added")
"""Kinds that tell what is there: nobody decided them, and they can't be undone."""
BY_PEOPLE = ("label", "junk", "split", "merge", "move", "check", "undo", "redo")
"""Kinds that a page may ask for as they are; the others need the codes, or are facts."""
LONGEST_NAME = 200


class ActionError(UserError):
    """An action that can't be done in this state."""


Body = Mapping[str, Any]


def apply(state: State, kind: str, body: Body, number: int) -> State:
    """Return the state after an action.

    Parameters
    ----------
    state : State
    kind : str
        See the table above.
    body : mapping
    number : int
        The action's own number, from which the groups that it makes get their keys.

    Raises
    ------
    ActionError
        If the action is malformed, or names images or groups that are not there.
    """
    if kind not in _KINDS:
        raise ActionError("an action must be known", got=repr(kind), do="Load the page again")
    return _KINDS[kind](state, body, number)


def touches(state: State, kind: str, body: Body) -> set[int]:
    """Return the keys of the groups that an action is about, whether they are there or not."""
    keys = [body[name] for name in ("group", "to") if body.get(name) is not None]
    keys += body.get("groups", [])
    lists = [body["ids"]] if kind == "move" else []
    lists += body["parts"] if kind in ("spread", "regroup") else []
    for ids in lists:
        keys += np.unique(state.group[state.rows(_ids(state, ids))]).tolist()
    return {_integer(key, "a group") for key in keys}


def clean_name(name: Any) -> str:
    """Return a name as it is kept: one line of text in Unicode's composed form.

    Raises
    ------
    ActionError
        If it is no text, empty, longer than 200 characters, or has control characters.
    """
    text = unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""
    printable = not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)
    if not (0 < len(text) <= LONGEST_NAME and printable):
        raise ActionError(
            f"a name must be one line of 1 to {LONGEST_NAME} characters",
            got=repr(name)[:80],
            do="Type another name",
        )
    return text


def _found(state: State, body: Body, number: int) -> State:
    parts = [np.unique(np.asarray(ids, np.uint32)) for ids in body["groups"]]
    ids = np.concatenate([state.ids, *parts])
    made = np.concatenate(
        [state.group, *(np.full(len(p), key_of(number, i)) for i, p in enumerate(parts))]
    ).astype(np.int64)
    order = np.argsort(ids, kind="stable")
    groups = {
        key_of(number, i): Group(str(title))
        for i, (title, part) in enumerate(zip(body["titles"], parts, strict=True))
        if len(part)
    }
    return State(ids[order], made[order], {**state.groups, **groups})


def _label(state: State, body: Body, number: int) -> State:
    name = None if body.get("name") is None else clean_name(body["name"])
    return _mark(state, body, number, label=name, by="person", junk=False)


def _junk(state: State, body: Body, number: int) -> State:
    return _mark(state, body, number, label=None, by="person", junk=True)


def _mark(state: State, body: Body, number: int, **marks: Any) -> State:
    """Mark a group, or a part of it that becomes a group of its own."""
    key = _group(state, body.get("group"))
    part = _part(state, key, body.get("ids"))
    old = state.groups[key]
    if len(part) == state.sizes[key]:
        return _with_groups(state, {key: replace(old, **marks)})
    made = Group(f"{old.title}.1", check=_check_for(part, old), **marks)
    return _carve(state, [part], [made], number)


def _check_for(part: np.ndarray, old: Group) -> Check | None:
    return old.check if old.check is not None and old.check.describes(part) else None


def _split(state: State, body: Body, number: int) -> State:
    key = _group(state, body.get("group"))
    parts = [_part(state, key, ids) for ids in _lists(body)]
    _refuse_twice(parts)
    if len(parts) == 1 and len(parts[0]) == state.sizes[key]:
        raise ActionError("a split must leave something", got="all of it", do="Choose fewer")
    title = state.groups[key].title
    made = [Group(f"{title}.{i}") for i in range(1, len(parts) + 1)]
    return _carve(state, parts, made, number)


def _regroup(state: State, body: Body, number: int) -> State:
    parts = [_ids(state, ids) for ids in _lists(body)]
    _refuse_twice(parts)
    _refuse_closed(state, parts)
    made = [Group(f"rest {i}") for i in range(1, len(parts) + 1)]
    return _carve(state, parts, made, number)


def _spread(state: State, body: Body, number: int) -> State:
    names, parts = body.get("names"), [_ids(state, ids) for ids in _lists(body)]
    if not isinstance(names, list) or len(names) != len(parts):
        raise ActionError("every part must have a name", got=repr(names)[:80], do="Try again")
    _refuse_twice(parts)
    _refuse_closed(state, parts)
    made = [Group("near", label=clean_name(name), by="spread") for name in names]
    return _carve(state, parts, made, number)


def _merge(state: State, body: Body, number: int) -> State:
    keys = [_group(state, key) for key in body.get("groups") or []]
    if len(set(keys)) < 2:
        raise ActionError("a merge needs two groups", got=str(len(set(keys))), do="Choose more")
    joined = np.where(np.isin(state.group, keys), keys[0], state.group)
    return _settled(state, joined, state.groups)


def _move(state: State, body: Body, number: int) -> State:
    to = _group(state, body.get("to"))
    joined = state.group.copy()
    joined[state.rows(_ids(state, body.get("ids")))] = to
    return _settled(state, joined, state.groups)


def _check(state: State, body: Body, number: int) -> State:
    key = _group(state, body.get("group"))
    of = _part(state, key, body.get("ids"))
    seen, wrong = _ids(state, body.get("seen")), _ids(state, body.get("wrong"), empty=True)
    if not (np.isin(seen, of).all() and np.isin(wrong, seen).all()):
        raise ActionError(
            "a spot check must be about pictures of its group", got="others", do="Check again"
        )
    return _with_groups(state, {key: replace(state.groups[key], check=Check(of, len(seen), wrong))})


_KINDS: dict[str, Callable[[State, Body, int], State]] = {
    "start": _found,
    "added": _found,
    "label": _label,
    "junk": _junk,
    "split": _split,
    "merge": _merge,
    "move": _move,
    "check": _check,
    "spread": _spread,
    "regroup": _regroup,
}


def _carve(state: State, parts: Sequence[np.ndarray], made: Sequence[Group], number: int) -> State:
    """Let parts leave their groups, each as a group of its own."""
    group, groups = state.group.copy(), dict(state.groups)
    for i, (part, new) in enumerate(zip(parts, made, strict=True)):
        group[state.rows(part)] = key_of(number, i)
        groups[key_of(number, i)] = new
    return _settled(state, group, groups)


def _settled(state: State, group: np.ndarray, groups: Mapping[int, Group]) -> State:
    """Drop groups without images, and checks that are about other images than the group's."""
    sizes = {int(key) for key in np.unique(group)}
    kept = {key: value for key, value in groups.items() if key in sizes}
    changed = np.flatnonzero(group != state.group)
    for key in {int(key) for key in np.unique(np.r_[group[changed], state.group[changed]])}:
        check = kept[key].check if key in kept else None
        if check is not None and not check.describes(state.ids[group == key]):
            kept[key] = replace(kept[key], check=None)
    return State(state.ids, group, kept)


def _with_groups(state: State, changes: dict[int, Group]) -> State:
    return State(state.ids, state.group, {**state.groups, **changes})


def _integer(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ActionError(
            f"{what} must be a number", got=repr(value)[:80], do="Load the page again"
        )
    return value


def _group(state: State, key: Any) -> int:
    if _integer(key, "a group") not in state.groups:
        raise ActionError("the group must be there", got="one that is gone", do="Look again")
    return key


def _lists(body: Body) -> list[Any]:
    parts = body.get("parts")
    if not isinstance(parts, list) or not parts:
        raise ActionError("there must be parts", got=repr(parts)[:80], do="Choose some pictures")
    return parts


def _ids(state: State, ids: Any, *, empty: bool = False) -> np.ndarray:
    """Return ids of this pile, sorted, each once."""
    good = isinstance(ids, list) and all(type(i) is int and 0 <= i < 2**32 for i in ids)
    found = np.unique(np.array(ids, np.uint32)) if good else np.empty(0, np.uint32)
    if not good or not (empty or len(found)) or len(found) != len(ids):
        raise ActionError("pictures must be given by their ids", got=repr(ids)[:80], do="Try again")
    at = np.minimum(state.rows(found), max(len(state.ids) - 1, 0))
    if len(found) and (not len(state.ids) or (state.ids[at] != found).any()):
        raise ActionError("every picture must be of this run", got="others", do="Load it again")
    return found


def _part(state: State, key: int, ids: Any) -> np.ndarray:
    """Return ids that are all in a group; all of the group for None."""
    if ids is None:
        return state.members(key)
    part = _ids(state, ids)
    if (state.group[state.rows(part)] != key).any():
        raise ActionError("the pictures must be of the group", got="others", do="Look again")
    return part


def _refuse_twice(parts: Sequence[np.ndarray]) -> None:
    whole = np.concatenate(parts)
    if len(np.unique(whole)) != len(whole):
        raise ActionError("a picture can go to one part alone", got="some twice", do="Try again")


def _refuse_closed(state: State, parts: Sequence[np.ndarray]) -> None:
    if not state.of_open()[state.rows(np.concatenate(parts))].all():
        raise ActionError(
            "the pictures must wait for a name", got="some that have one", do="Look again"
        )
