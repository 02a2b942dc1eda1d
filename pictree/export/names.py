"""Names that every file system takes, each given once."""

from __future__ import annotations

import re
import unicodedata

_MOST_BYTES = 255
"""Of one name, as ext4 and most others have it."""
_RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"}
_RESERVED |= {f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³"}
_UNSAFE = set('<>:"/\\|?*[]{}#%')
"""What Windows forbids, and what globs and URLs read as something else."""
_LONGEST_SUFFIX = 16


def safe_name(name: str, room: int = 0) -> str:
    """Return a name like the given one that any file system takes.

    Control and direction characters, and those that Windows, globs or URLs read as something
    else, become ``_``; so do a dot in front, dots and blanks at the end. A name that Windows
    keeps for devices gets ``_`` in front. Unicode is composed (NFC).

    Parameters
    ----------
    name : str
        One name, not a path.
    room : int
        Bytes to keep free of the 255 that a name may have; the end of the stem is cut off, the
        suffix stays.

    Returns
    -------
    str
        At least one character, at most ``255 - room`` bytes of UTF-8; safe names stay as they
        are.
    """
    composed = unicodedata.normalize("NFC", name)
    clean = "".join("_" if _is_unsafe(character) else character for character in composed)
    stem, suffix = split_suffix(_ends(clean))
    if stem.split(".")[0].rstrip(" ").lower() in _RESERVED:
        stem = f"_{stem}"
    return _ends(_cut(stem, _MOST_BYTES - room - len(suffix.encode())) + suffix)


def split_suffix(name: str) -> tuple[str, str]:
    """Split a file name into stem and suffix (with its dot, at most 16 bytes, or "")."""
    found = re.fullmatch(r"(.+)(\.[^. ]+)", name, re.DOTALL)
    if found is None or len(found[2].encode()) > _LONGEST_SUFFIX:
        return name, ""
    return found[1], found[2]


def _is_unsafe(character: str) -> bool:
    return character in _UNSAFE or unicodedata.category(character) in (
        *("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"),
    )


def _ends(name: str) -> str:
    """Mend what a name may not begin or end with."""
    kept = name.lstrip(" ").rstrip(" .")
    return "_" + kept.lstrip(".") if kept.startswith(".") else kept or "_"


def _cut(stem: str, most: int) -> str:
    return stem.encode()[:most].decode("utf-8", "ignore").rstrip(" .") or "_"


class Names:
    """Gives each name of a folder once, the case of letters left aside.

    Parameters
    ----------
    taken : tuple of str
        Names that are not given.
    by_stem : bool
        Names that differ in their suffix alone count as the same: some tools leave it out.
    """

    def __init__(self, taken: tuple[str, ...] = (), *, by_stem: bool = False) -> None:
        self._by_stem = by_stem
        self._taken = {self._key(name) for name in taken}

    def give(self, name: str, number: int) -> str:
        """Return the safe form of a name, with ``-number`` in its stem where that is taken.

        Parameters
        ----------
        name : str
        number : int
            What tells this one from others of its name, such as an image's id.
        """
        stem, suffix = split_suffix(safe_name(name, room=24))
        given, tries = stem + suffix, 1
        while self._key(given) in self._taken:
            again = "" if tries == 1 else f"-{tries}"
            given, tries = f"{stem}-{number:06d}{again}{suffix}", tries + 1
        self._taken.add(self._key(given))
        return given

    def _key(self, name: str) -> str:
        stem = split_suffix(name)[0] if self._by_stem else name
        return unicodedata.normalize("NFKC", stem.casefold()).casefold()
