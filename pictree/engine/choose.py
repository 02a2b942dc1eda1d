"""An engine by its name."""

from __future__ import annotations

from pictree.engine.base import Engine, Local
from pictree.errors import InputError
from pictree.progress import Progress

NAMES = ("local", "processes", "ray")


def open_engine(name: str, progress: Progress) -> Engine:
    """Return the engine of a name; what it needs is checked here, before anything is begun.

    Parameters
    ----------
    name : {"local", "processes", "ray"}
    progress : Progress
        Told of workers that die or fall silent.

    Raises
    ------
    InputError
        If there is no such engine.
    RunError
        If what it needs is not there.
    MissingExtraError
        If Ray is not installed.
    """
    if name not in NAMES:
        raise InputError(
            f"--engine must be one of {', '.join(NAMES)}", got=name, do="Choose one of these"
        )
    if name == "local":
        return Local()
    if name == "processes":
        from pictree.engine.processes import Processes

        return Processes(progress)
    from pictree.engine.on_ray import Ray

    return Ray(progress)
