"""Pictures that are objects at an address: a folder of a bucket, or some of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import PurePosixPath

from pictree.errors import SourceError
from pictree.images.addresses import Copy, Place, common_address, refuse_large
from pictree.images.base import Raw, Source, is_hidden, printable
from pictree.images.composite import CompositeSource
from pictree.images.folders import refuse_arrays
from pictree.images.outcome import Unusable

AT_ONCE = 16
"""Objects that are on their way together: each takes some time to come, however small."""


class ObjectSource(Source):
    """Objects below one address, each fetched when it is read.

    Parameters
    ----------
    place : Place
        The folder.
    sizes : dict of str to int
        Names in it, in order, with their bytes.
    """

    kind = "objects"
    in_order = True

    def __init__(self, place: Place, sizes: dict[str, int]) -> None:
        self._place, self._names, self._sizes = place, list(sizes), list(sizes.values())
        name = printable(place.address.rpartition("/")[2] or place.address)
        shown = [printable(one) for one in sizes]
        super().__init__(name, printable(place.address), printable(place.address), shown)

    def read(self, i: int) -> bytes:
        """Return the object's bytes; see `Source.read`."""
        name = self._names[i]
        if ".." in PurePosixPath(name).parts:
            raise Unusable("refused", "a name that leads outside the folder")
        refuse_large(self._sizes[i])
        return self._place.read(name)

    def read_each(self, items: Iterable[int]) -> Iterator[Raw]:
        """Read several objects at a time; see `Source.read_each`."""
        coming: deque[Future[Raw]] = deque()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for i in items:
                    coming.append(pool.submit(self.try_to_read, i))
                    if len(coming) == AT_ONCE:
                        yield coming.popleft().result()
                while coming:
                    yield coming.popleft().result()
            finally:  # nobody waits for the others any more
                for future in coming:
                    future.cancel()


def open_objects(place: Place) -> ObjectSource:
    """List all objects below a folder's address, sorted by the bytes of their relative names.

    Hidden ones (a name or folder that begins with a dot) and ``__MACOSX`` are left out, as they
    are of a folder on disk.

    Raises
    ------
    SourceError
        If there is none, or array files and no picture.
    """
    sizes = place.below()
    names = sorted((name for name in sizes if not is_hidden(name)), key=str.encode)
    if not names:
        raise SourceError(
            "a folder of pictures must hold at least one file",
            got=f"none in {printable(place.address)!r}",
            do="Check the path; hidden files don't count",
        )
    refuse_arrays(names, place.address)
    return ObjectSource(place, {name: sizes[name] for name in names})


def open_some_objects(addresses: list[str]) -> ObjectSource:
    """Open objects of one bucket in the order given; their sizes are seen when they come."""
    folder = common_address([address.rpartition("/")[0] for address in addresses])
    names = [address.removeprefix(f"{folder}/") for address in addresses]
    return ObjectSource(Place(folder), dict.fromkeys(names, 0))


def from_copy(copy: Copy, open_it: Callable[[], Source]) -> Source:
    """Open a fetched file so that it names its address, and holds the copy as long as it lives.

    Raises
    ------
    SourceError
        What `open_it` raises, with the address in place of the copy's path.
    """
    try:
        source = open_it()
    except SourceError as error:
        must, got, do = (
            said.replace(printable(copy.path), copy.address)
            for said in (error.must, error.got, error.do)
        )
        raise SourceError(must, got=got, do=do) from error
    parts = source.parts if isinstance(source, CompositeSource) else [source]
    for part in parts:
        is_folder = part.folder == part.root
        part.folder = copy.address if is_folder else copy.address.rpartition("/")[0]
        part.root, part.copy = copy.address, copy
    return parts[0] if len(parts) == 1 else CompositeSource(parts)
