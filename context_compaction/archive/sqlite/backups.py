"""Backups: the archive as of one moment, written compact beside the target and then put in its place.

`VACUUM INTO` copies only what is there, so no free page and no unused part of one carries what was
forgotten. It reads in a transaction of its own, and in WAL mode nobody waits for a reader.
"""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from context_compaction.archive.sql.database import Statements
from context_compaction.archive.sqlite.connection import Connections
from context_compaction.archive.sqlite.erasing import CHECKPOINT, vacuum
from context_compaction.archive.sqlite.faults import SQLiteTrouble, translated
from context_compaction.archive.sqlite.opening import MEMORY, PRIVATE, connect, prepare
from context_compaction.errors import ArchiveUnavailable

READ_FILE = "SELECT file FROM pragma_database_list WHERE name = 'main'"
LOOK = "SELECT count(*) FROM sqlite_master"
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file, and takes for its newest content."""
_WRITING: set[Path] = set()
"""Unfinished files of this process."""
_LOCK = threading.Lock()


def backup(connections: Connections, path: str | os.PathLike[str]) -> None:
    """Write the archive to ``path``. Raises `ArchiveUnavailable` or `ArchiveCorrupt`; a file there stays."""
    name = os.fspath(path)
    with _translating(f"backup of {connections.place} to {name}"):
        target = _target(connections, name)
        with _partial(target) as partial:
            _copy(connections, partial)
            _sync(partial)
            _settle(target)
            partial.replace(target)
            _sync(target.parent)


def refuse_export(connection: Statements, path: Path) -> None:
    """Raise before an export would take the place of the archive that it is of."""
    (own,) = connection.execute(READ_FILE).fetchone()
    files = [Path(f"{own}{suffix}") for suffix in ("", "-wal", "-shm")] if own else []
    try:
        itself = any(file.exists() and path.exists() and path.samefile(file) for file in files)
    except OSError:  # told when it is written to
        return
    if itself:
        raise ArchiveUnavailable(f"{path}: this is the archive itself; name another file")


def _copy(connections: Connections, partial: Path) -> None:
    # The one connection of a memory archive must not be in anyone's transaction.
    with connections.lock if connections.in_memory else nullcontext():
        vacuum(connections.get(), into=str(partial))


def _target(connections: Connections, name: str) -> Path:
    """The file to write, links followed. Raises for what must not be written over."""
    if name in ("", MEMORY):
        raise ArchiveUnavailable(f"{name!r}: a backup is a file; name one")
    target = Path(name).resolve()
    if not connections.in_memory:
        _refuse_itself(Path(connections.place).resolve(), target)
    if not target.exists():
        if not target.parent.is_dir():
            raise ArchiveUnavailable(f"{name}: the folder {target.parent} does not exist; create it first")
        return target
    if not (target.is_file() or target.is_dir()):
        raise ArchiveUnavailable(f"{name}: this is no regular file; name another")
    prepare(target)  # refuses a folder, and a file that is no archive of ours
    _settle(target)
    return target


def _refuse_itself(own: Path, target: Path) -> None:
    if target == own or (target.exists() and own.exists() and target.samefile(own)):
        raise ArchiveUnavailable(f"{target}: this is the archive itself; name another file")
    if target in [own.with_name(own.name + suffix) for suffix in BESIDE]:
        raise ArchiveUnavailable(f"{target}: SQLite keeps a part of the archive there; name another file")


def _settle(target: Path) -> None:
    """Take into a file what SQLite left beside it: it would take that for a part of the one that follows.

    Raises `ArchiveUnavailable` when somebody has the file open.
    """
    if not target.exists() or not _beside(target):
        return
    with closing(connect(str(target))) as connection:
        connection.execute(LOOK).fetchone()  # takes back what a transaction left half done
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
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with _LOCK:
        if partial in _WRITING:
            raise ArchiveUnavailable(f"{target}: another backup to this file is under way; wait for it")
        _WRITING.add(partial)
    try:
        _remove_leftovers(target, partial)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
        yield partial
    finally:
        _remove(partial)
        _WRITING.discard(partial)


def _remove_leftovers(target: Path, own: Path) -> None:
    """What backups to this name left that were killed.

    ``own`` is not begun yet: a file of that name is of one that had our process number before us.
    """
    before, after = f".{target.name}.", ".partial"
    for found in target.parent.glob(f"{glob.escape(before)}*{after}"):
        number = found.name[len(before) : -len(after)]
        if number.isdecimal() and (found == own or not _is_alive(int(number))):
            _remove(found)


def _remove(partial: Path) -> None:
    for suffix in ("", *BESIDE):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
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
    if os.name != "posix":  # which alone can open a folder, or sync what is open for reading
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translating(place: str) -> Generator[None]:
    try:
        yield
    except SQLiteTrouble as error:
        raise translated(error, place) from error
    except (OSError, RuntimeError, ValueError) as error:  # also links in a circle, or a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ArchiveUnavailable(
            f"{place}: the file cannot be written ({reason}); check its folder, the permissions and the disk"
        ) from error
