"""Ctrl-C and SIGTERM: a command ends within seconds, and says how to go on.

The first signal raises `StopError` where the program is, so that children, locks and half-written
files are cleared away. A library can be in one call for minutes, in which Python raises nothing;
and whoever presses Ctrl-C twice wants no clearing away. So a thread, which the signal wakes at
once, ends the process after `GRACE` seconds, or at the second signal. A run is then as after a
kill, which the next command puts right.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading

GRACE = 4.0
"""Seconds for clearing away."""

_STOPPED = "pictree: stopped. Run the same command again to go on (`pictree fit`: with --resume)."
_told: list[bool] = []


class StopError(BaseException):
    """Ctrl-C or SIGTERM; no KeyboardInterrupt, of which Typer makes an exit code of 1."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def listen() -> None:
    """Take Ctrl-C and SIGTERM from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if os.name == "nt":  # there the wake-up can be a socket alone
        return
    waiting, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    # A child that was forked has no such thread, and must not wake ours: Ctrl-C reaches it too.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_watch, args=(waiting,), daemon=True).start()


def _stop(number: int, _: object) -> None:
    raise StopError(number)


def _watch(waiting: int) -> None:
    """Wait for a signal; end the process at the next one, or when the time for clearing is over."""
    number = os.read(waiting, 1)[0]
    select.select([waiting], [], [], GRACE)
    tell()
    os._exit(128 + number)


def tell() -> None:
    """Say once how to go on; nobody may be there to hear it."""
    if not _told:
        _told.append(True)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(_STOPPED + "\n")
            sys.stderr.flush()
