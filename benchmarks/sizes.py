"""What is large: 100 MB of media in one session, one message of 5 MB, 100,000 messages; each in a file."""

from __future__ import annotations

import base64
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from benchmarks import Table
from benchmarks._conversation import Dict, messages
from benchmarks._stopwatch import Stopwatch, milliseconds, race, timed
from context_compaction import Budget, Policy, Session, SQLiteArchive
from context_compaction.counting import TiktokenCounter

MEDIA_BYTES, IMAGE_BYTES, TEXT_BYTES, MESSAGES = 100_000_000, 2_000_000, 5_000_000, 100_000
PROBES, OPENINGS = 10, 5
BATCH = 1000
WINDOW = 32_768
PLACES = ("first", "middle", "last")
"""Of an append, by what was in the log before."""
T = TypeVar("T")
Batches = Iterator[tuple[str, list[Dict]]]
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1024).to_bytes(4, "big") + (768).to_bytes(4, "big")


def run(data: Path | None, *, quick: bool = False) -> Table:  # noqa: ARG001 - everything is made here
    """A column for each way of being large."""
    shrink = 1000 if quick else 1
    columns = {
        "100 MB of media": _media(MEDIA_BYTES // shrink, IMAGE_BYTES // shrink),
        "a 5 MB message": _text(TEXT_BYTES // shrink),
        "100,000 messages": _many(MESSAGES // shrink),
    }
    with tempfile.TemporaryDirectory() as folder:
        measured = [_measured(Path(folder), batches) for batches in columns.values()]
    names = (
        "append, first: ms",
        "append, in the middle: ms",
        "append, last: ms",
        "opening: ms",
        "first context after opening: s",
        "the next one: ms",
        "appended as JSON, MB",
        "file, MB",
        "file / JSON",
        "verify: s",
        "backup: s",
        "forget: s",
    )
    rows = [list(row) for row in zip(names, *measured, strict=True)]
    notes = [
        "appends: medians, each on disk when it returns; media: an image of 2 MB (2.7 MB as base64) each,",
        "  in the middle of the second column: the 5 MB themselves, else a message of 60-500 tokens",
        f"openings: medians of {OPENINGS}",
        f"contexts: of a log that was never compacted, by Policy.truncating() into {WINDOW} tokens",
    ]
    return Table("Sizes, SQLite archive on a file", ("", *columns), rows, notes)


def _measured(folder: Path, batches: Batches) -> list[str]:
    path, watch = folder / "sizes.db", Stopwatch()
    raw = _filled(path, batches, watch)
    size = path.stat().st_size
    opening = race([timed("open", lambda: _session(path).close())], OPENINGS, warm_up=1)["open"]
    with SQLiteArchive(path) as archive, _session(archive) as session:
        for name in ("context", "again"):
            _lap(watch, name, session.context)
    with SQLiteArchive(path) as archive:
        problems = _lap(watch, "verify", archive.verify)
        _lap(watch, "backup", lambda: archive.backup(folder / "copy.db"))
        _lap(watch, "forget", lambda: archive.forget("s"))
    if problems:
        raise RuntimeError(f"{len(problems)} problems, the first: {problems[0]}")
    for file in folder.iterdir():
        file.unlink()
    return [
        *(milliseconds(watch[place]) for place in PLACES),
        milliseconds(opening),
        _seconds(watch["context"]),
        milliseconds(watch["again"]),
        f"{raw / 1e6:.1f}",
        f"{size / 1e6:.1f}",
        f"{size / raw:.2f}x",
        *(_seconds(watch[name]) for name in ("verify", "backup", "forget")),
    ]


def _filled(path: Path, batches: Batches, watch: Stopwatch) -> int:
    """Append all; the bytes of it as JSON."""
    raw = 0
    with SQLiteArchive(path) as archive, _session(archive) as session:
        session.append([{"role": "user", "content": "Begin."}])  # loads what is loaded once a process
        for place, batch in batches:
            raw += sum(len(json.dumps(message)) for message in batch)
            watch.start()
            session.append(batch)
            watch.lap(place)
    return raw


def _media(total: int, each: int) -> Batches:
    chance = random.Random(0)
    count = total // each
    for number in range(count):
        image = base64.b64encode(_PNG + chance.randbytes(each - len(_PNG))).decode()
        url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
        place = number * len(PLACES) // count
        yield PLACES[place], [{"role": "user", "content": [{"type": "text", "text": f"No. {number}"}, url]}]


def _text(size: int) -> Batches:
    small, text = messages(), "\n".join(_long(size))[:size]
    yield from (("first", [message]) for message in islice(small, PROBES))
    yield "middle", [{"role": "user", "content": text}]
    yield from (("last", [message]) for message in islice(small, PROBES))


def _long(size: int) -> Iterator[str]:
    for message in messages(8):
        if size <= 0:
            return
        yield str(message["content"])
        size -= len(str(message["content"]))


def _many(count: int) -> Batches:
    stream = messages()
    between = (count - len(PLACES) * PROBES) // 2
    for place in PLACES:
        yield from ((place, [message]) for message in islice(stream, PROBES))
        for start in range(0, between if place != "last" else 0, BATCH):
            yield "in bulk", list(islice(stream, min(BATCH, between - start)))


def _lap(watch: Stopwatch, name: str, call: Callable[[], T]) -> T:
    watch.start()
    result = call()
    watch.lap(name)
    return result


def _session(archive: SQLiteArchive | Path) -> Session:
    budget, policy = Budget(context_window=WINDOW), Policy.truncating()
    return Session(archive, session_id="s", budget=budget, policy=policy, counter=TiktokenCounter())


def _seconds(value: float) -> str:
    return f"{value / 1000:.2f}"
