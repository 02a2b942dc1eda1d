"""One tree of exceptions; every message says what must hold, what was got, what to do."""

from __future__ import annotations


class PictreeError(Exception):
    """Base of every error that Pictree raises on purpose.

    Attributes
    ----------
    exit_code : int
        What the command line ends with: 1, our fault.
    """

    exit_code = 1


class UserError(PictreeError, ValueError):
    """Something that the user can mend.

    Parameters
    ----------
    must : str
        What must hold, as a clause without a full stop.
    got : str
        What was got instead.
    do : str
        The way out, as a sentence without a full stop.

    Examples
    --------
    >>> print(UserError("k must be at least 2", got="1", do="Pass a larger --k"))
    k must be at least 2; got 1. Pass a larger --k.
    """

    exit_code = 2

    def __init__(self, must: str, *, got: str, do: str) -> None:
        super().__init__(f"{must}; got {got}. {do}.")
        self.must, self.got, self.do = must, got, do

    def __reduce__(self) -> tuple:
        """Rebuild from the three parts, so that the error survives a worker process."""
        return _rebuild, (type(self), self.must, self.got, self.do)


def _rebuild(kind: type[UserError], must: str, got: str, do: str) -> UserError:
    return kind(must, got=got, do=do)


class SourceError(UserError):
    """The pictures, or their known labels, can't be found or read as a whole."""


class InputError(UserError):
    """An array or a parameter is not what the function takes."""


class RecipeError(UserError):
    """A recipe file is not a valid recipe."""


class RunError(UserError):
    """A run folder is absent, in use, damaged, or made by something else."""


class MissingExtraError(UserError, ImportError):
    """An optional package is absent or broken; the message has the install line."""


class InterruptedRunError(PictreeError):
    """The user stopped the run; it can go on with ``--resume``."""

    exit_code = 130
