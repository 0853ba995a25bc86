"""The file of an export: JSON lines between a header and an end record that seals all before it.

ASCII, one object a line. The end record has the number of lines before it and their SHA-256, so that a
file which was cut off or changed is refused before anything of it is used. What the records in between say:
`transfer_records`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from context_compaction.errors import ArchiveCorrupt, ArchiveTooNew, ArchiveUnavailable

FORMAT, VERSION = "context-compaction", 1
PRIVATE = 0o600
LONGEST_HEADER = 1000
"""Bytes: what has no line end by then is no export, whatever else it may be."""
Record = dict[str, Any]


@contextmanager
def writing(path: str | os.PathLike[str]) -> Generator[Writer]:
    """A writer of ``path``, which is replaced once all is on disk, and stays as it is after an error.

    Raises `ArchiveUnavailable` when it cannot be written.
    """
    target = Path(os.path.realpath(path))  # what a link leads to is replaced, not the link
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        if target.is_dir():
            raise ArchiveUnavailable(f"{target}: this is a folder; name a file in it")
        if target.exists() and not target.is_file():
            raise ArchiveUnavailable(f"{target}: this is no regular file; name another")
        # By "x" nobody else's file is written to, and none that a link leads to.
        file = open(partial, "xb", opener=_for_the_owner)  # noqa: SIM115 - the block below closes it
        try:
            with file:
                writer = Writer(file)
                yield writer
                writer.end()
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):  # the error under way says more
                partial.unlink()
            raise
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise ArchiveUnavailable(
            f"{target}: another export to it is under way, or was broken off; then remove {partial}"
        ) from error
    except OSError as error:
        raise ArchiveUnavailable(
            f"{target}: cannot be written ({error.strerror}); check that its folder exists and is writable, "
            "and that the disk has room"
        ) from error


@contextmanager
def reading(path: str | os.PathLike[str]) -> Generator[Lines]:
    """The records of an export whose header and end are as they should be.

    Raises `ArchiveUnavailable` when it cannot be read, `ArchiveTooNew` for a later format, and
    `ArchiveCorrupt` for anything that is not what `writing` wrote.
    """
    try:
        with Path(path).open("rb") as file:
            lines = Lines(os.fspath(path), file)
            lines.check()
            yield lines
    except OSError as error:
        raise ArchiveUnavailable(
            f"{os.fspath(path)}: cannot be read ({error.strerror}); check that the file is there and readable"
        ) from error


class Writer:
    """Writes records as lines, the header before the first."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._seal = Seal()
        self.write({"format": FORMAT, "version": VERSION})

    def write(self, record: Record) -> None:
        """Write one record."""
        line = _line(record)
        self._seal.add(line)
        self._file.write(line)

    def end(self) -> None:
        """Write the end record."""
        self._file.write(self._seal.line())


class Lines:
    """The records between header and end, one at a time."""

    def __init__(self, place: str, file: BinaryIO) -> None:
        self._place = place
        self._file = file
        self._number = 0
        self._end = 0
        """Number of the line with the end record."""

    def __iter__(self) -> Iterator[Record]:
        for line in self._lines():
            if 1 < self._number < self._end:
                yield self._parsed(line)

    def __len__(self) -> int:
        """How many there are, once the file was read through."""
        return max(0, self._end - 2)

    def corrupt(self, detail: object) -> ArchiveCorrupt:
        """The error for what is wrong with the line that was read last."""
        return ArchiveCorrupt(f"{self._place}:{self._number}: {detail}; nothing was imported")

    def check(self) -> None:
        """Read the file through once: raise unless header and end record fit all between them."""
        self._number = 1
        self._check_header(self._file.readline(LONGEST_HEADER))
        seal, last = Seal(), b""
        for line in self._lines():
            if last:
                seal.add(last)
            last = line
        if not last.startswith(_END):
            raise self.corrupt("the file is cut off here, its end record is missing; export again")
        if last != seal.line():
            raise self.corrupt("the lines before this one are not those that were written; export again")
        self._end = self._number

    def _lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        for number, line in enumerate(self._file, 1):
            self._number = number
            yield line

    def _check_header(self, line: bytes) -> None:
        try:
            header = self._parsed(line)
        except ArchiveCorrupt:
            header = Record()
        version = header.get("version")
        if header.get("format") != FORMAT or type(version) is not int or version < 1:
            raise self.corrupt("this is no export of an archive; name another file")
        if version > VERSION:
            raise ArchiveTooNew(
                f"{self._place}: format version {version}, but this release of context-compaction knows "
                f"up to {VERSION}; install a newer release"
            )

    def _parsed(self, line: bytes) -> Record:
        try:
            record: object = json.loads(line.decode("ascii"))
        except (ValueError, RecursionError) as error:
            raise self.corrupt("this line is not ASCII JSON") from error
        if not isinstance(record, dict):
            raise self.corrupt("this line is no JSON object")
        return cast("Record", record)


class Seal:
    """Number of lines and their SHA-256, and the end record that says so."""

    def __init__(self) -> None:
        self.lines = 0
        self._hash = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """Take the next line in."""
        self.lines += 1
        self._hash.update(line)

    def line(self) -> bytes:
        """The one end record that fits, byte for byte."""
        return _line({"type": "end", "lines": self.lines, "sha256": self._hash.hexdigest()})


_END = b'{"type":"end"'


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to disk. Some systems cannot; the file is there in any case."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
