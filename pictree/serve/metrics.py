"""Counters in Prometheus' text format."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """What has happened since the start; every method may be called from any thread.

    Parameters
    ----------
    facts : mapping of str to str
        Labels of ``pictree_run_info``.
    """

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._facts = _labels(facts)
        self._requests: Counter[Labels] = Counter()
        self._images: Counter[Labels] = Counter()
        self._seconds: defaultdict[str, _Histogram] = defaultdict(lambda: _Histogram(SECONDS))
        self._batches = _Histogram(SIZES)
        self._in_flight = 0

    def begin(self) -> None:
        """Note that a request has come."""
        with self._lock:
            self._in_flight += 1

    def end(self, path: str, status: int, seconds: float) -> None:
        """Note that a request was answered.

        Parameters
        ----------
        path : str
            One of the server's own addresses; never what a client made up.
        status : int
        seconds : float
        """
        with self._lock:
            self._in_flight -= 1
            self._requests[_labels({"path": path, "status": str(status)})] += 1
            self._seconds[path].add(seconds)

    def images(self, outcomes: Iterable[str]) -> None:
        """Note what became of pictures."""
        with self._lock:
            self._images.update(_labels({"outcome": outcome}) for outcome in outcomes)

    def batch(self, images: int) -> None:
        """Note that so many pictures went through the network together."""
        with self._lock:
            self._batches.add(images)

    def text(self) -> str:
        """Return all of it."""
        with self._lock:
            lines = [
                *_family("pictree_run_info", "gauge", "The run that is served."),
                f"pictree_run_info{_shown(self._facts)} 1",
                *_family("pictree_requests_in_flight", "gauge", "Requests not answered yet."),
                f"pictree_requests_in_flight {self._in_flight}",
                *_family("pictree_requests_total", "counter", "Requests answered."),
                *_counts("pictree_requests_total", self._requests),
                *_family("pictree_images_total", "counter", "Pictures, by what became of them."),
                *_counts("pictree_images_total", self._images),
                *_family("pictree_request_seconds", "histogram", "Time until the answer."),
            ]
            for path, histogram in sorted(self._seconds.items()):
                lines += histogram.lines("pictree_request_seconds", {"path": path})
            lines += _family("pictree_batch_images", "histogram", "Pictures judged together.")
            lines += self._batches.lines("pictree_batch_images", {})
        return "\n".join(lines) + "\n"


class _Histogram:
    """How often values were at most each bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds, self._counts = bounds, [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        place = sum(value > bound for bound in self._bounds)
        self._counts[place] += 1
        self._sum += value

    def lines(self, name: str, labels: Mapping[str, str]) -> list[str]:
        lines, total = [], 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            lines.append(f"{name}_bucket{_shown(_labels({**labels, 'le': str(bound)}))} {total}")
        plain = _shown(_labels(labels))
        return [*lines, f"{name}_sum{plain} {self._sum!r}", f"{name}_count{plain} {total}"]


def _family(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]


def _counts(name: str, counter: Mapping[Labels, int]) -> list[str]:
    return [f"{name}{_shown(labels)} {count}" for labels, count in sorted(counter.items())]


def _labels(labels: Mapping[str, str]) -> Labels:
    return tuple(labels.items())


def _shown(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
