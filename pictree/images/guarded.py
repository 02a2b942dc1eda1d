"""A child process of `pictree.images.guard`, within limits, and there no longer than its parent."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading


def main(life: int, turns: int | None) -> None:
    """Do what comes on standard input until it ends, or the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, args=(life,), daemon=True).start()
    # All that decodes takes a third of a second to import: the parent may be gone by then.
    from pictree.images.answers import answer_all

    answer_all(turns)


def _end_with_parent(life: int) -> None:
    """Wait for the end of a pipe whose other end nobody but the parent holds; nothing comes."""
    os.read(life, 1)
    os._exit(1)


if __name__ == "__main__":
    handles = [int(word) for word in sys.argv[1:]]
    main(handles[0], handles[1] if len(handles) > 1 else None)
