"""Backups: the archive as of one moment, written compact beside the target and then put in its place.

`VACUUM INTO` copies only what is there, so no free page and no unused part of one carries what was
forgotten. It reads in a transaction of its own, and in WAL mode nobody waits for a reader.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from context_compaction.archive.sqlite.connection import Connections
from context_compaction.archive.sqlite.erasing import CHECKPOINT
from context_compaction.archive.sqlite.faults import SQLiteTrouble, translated
from context_compaction.archive.sqlite.opening import MEMORY, PRIVATE, connect, prepare
from context_compaction.errors import ArchiveUnavailable

COPY = "VACUUM INTO ?"
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file, and takes for its newest content."""
_WRITING: set[Path] = set()
"""Unfinished files of this process."""


def backup(connections: Connections, path: str | os.PathLike[str]) -> None:
    """Write the archive to ``path``. Raises `ArchiveUnavailable` or `ArchiveCorrupt`; a file there stays."""
    target = _target(connections, path)
    with _translating(connections.place, target), _partial(target) as partial:
        # The one connection of a memory archive must not be in anyone's transaction.
        with connections.lock if connections.in_memory else nullcontext():
            connections.get().execute(COPY, (str(partial),))
        _sync(partial)
        _settle(target)
        partial.replace(target)
        _sync(target.parent)


def _target(connections: Connections, path: str | os.PathLike[str]) -> Path:
    """The file to write, links followed. Raises for what must not be written over."""
    text = os.fspath(path)
    if text in ("", MEMORY):
        raise ArchiveUnavailable(f"{text!r}: a backup is a file; name one")
    named = Path(text).absolute()
    try:
        target = named.resolve()
        if not connections.in_memory:
            _refuse_itself(Path(connections.place), named, target)
        if target.exists():
            if not (target.is_file() or target.is_dir()):
                raise ArchiveUnavailable(f"{named}: this is no regular file; name another")
            prepare(target)  # a folder and what is no archive of ours are refused, and stay as they are
            _settle(target)
        elif not target.parent.is_dir():
            raise ArchiveUnavailable(f"{named}: the folder {target.parent} does not exist; create it first")
    except (OSError, RuntimeError) as error:  # a RuntimeError: links that lead to each other
        raise _out_of_reach(named, error) from error
    return target


def _refuse_itself(archive: Path, named: Path, target: Path) -> None:
    own = archive.resolve()
    if target == own or (target.exists() and own.exists() and target.samefile(own)):
        raise ArchiveUnavailable(f"{named}: this is the archive itself; name another file")
    if target in [own.with_name(own.name + suffix) for suffix in BESIDE]:
        raise ArchiveUnavailable(f"{named}: SQLite keeps a part of the archive there; name another file")


def _settle(target: Path) -> None:
    """Take into a file what SQLite left beside it: it would take that for a part of the one that follows.

    Raises `ArchiveUnavailable` when somebody has the file open.
    """
    if not _beside(target):
        return
    with closing(connect(str(target))) as connection:
        connection.execute(CHECKPOINT).fetchone()
    if _beside(target):
        raise ArchiveUnavailable(
            f"{target}: the archive that is there is in use; close it, or name another file"
        )


def _beside(target: Path) -> bool:
    return any(target.with_name(target.name + suffix).exists() for suffix in BESIDE)


@contextmanager
def _partial(target: Path) -> Generator[Path]:
    """An empty file beside the target, for its owner alone; gone at the end unless it was moved."""
    _remove_leftovers(target)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    except FileExistsError as error:
        raise ArchiveUnavailable(
            f"{target}: another backup to this file is under way; wait for it"
        ) from error
    _WRITING.add(partial)
    try:
        yield partial
    finally:
        for suffix in ("", *BESIDE):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)
        _WRITING.discard(partial)


def _remove_leftovers(target: Path) -> None:
    """What backups to this name left that were killed."""
    before, after = f".{target.name}.", ".partial"
    for found in target.parent.iterdir():
        number = found.name.removeprefix(before).removesuffix(after)
        if (
            found.name == f"{before}{number}{after}"
            and number.isdecimal()
            and not _is_written(found, int(number))
        ):
            for suffix in ("", *BESIDE):
                found.with_name(found.name + suffix).unlink(missing_ok=True)


def _is_written(partial: Path, process: int) -> bool:
    """Whether somebody is at it. A file with our own number may be of one that had it before us."""
    if process == os.getpid():
        return partial in _WRITING
    if os.name != "posix":  # there os.kill ends the process that it is to look for
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on disk."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translating(place: str, target: Path) -> Generator[None]:
    try:
        yield
    except SQLiteTrouble as error:
        raise translated(error, f"backup of {place} to {target}") from error
    except OSError as error:
        raise _out_of_reach(target, error) from error


def _out_of_reach(path: Path, error: OSError | RuntimeError) -> ArchiveUnavailable:
    reason = getattr(error, "strerror", None) or error
    return ArchiveUnavailable(
        f"{path}: a backup cannot be written there ({reason}); check the folder, its permissions and the disk"
    )
