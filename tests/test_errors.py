"""Errors tell what must hold, what was got, what to do; and survive a worker process."""

from __future__ import annotations

import pickle

import pytest

from pictree import errors


def test_message_has_three_parts() -> None:
    error = errors.InputError("k must be at least 2", got="1", do="Pass a larger --k")
    assert str(error) == "k must be at least 2; got 1. Pass a larger --k."


@pytest.mark.parametrize("kind", [errors.SourceError, errors.RunError, errors.MissingExtraError])
def test_error_survives_a_worker_process(kind: type[errors.UserError]) -> None:
    error = kind("A", got="B", do="C")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert (copy.must, copy.got, copy.do) == ("A", "B", "C")


def test_exit_codes() -> None:
    assert errors.PictreeError.exit_code == 1
    assert errors.UserError.exit_code == 2
