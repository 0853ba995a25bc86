"""Writes to sessions that other processes write to: ``python -m tests.session.contender PLACE NAME MODE N``.

PLACE is a file or an address, MODE ``threads`` or ``loop``, N the number of sessions. Says ``ready``, waits
for a line, and writes until standard input ends or has another one. Each append is told once it is on disk;
the last line is a report in numbers.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from context_compaction import Archive, Budget, CompactionEvent, Policy, Session, open_archive
from context_compaction.events import CompactionObserver
from context_compaction.session.state import SessionState

WRITERS = 4
"""Threads of a process, and tasks of an event loop."""
WINDOW = 1024
WORDS = ("archive", "branch", "cursor", "deploy", "filter", "index", "ledger", "parser", "queue", "token")
Dict = dict[str, Any]


class Report(CompactionObserver):
    """What a process did, in numbers."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        self._lock = threading.Lock()

    def count(self, name: str, number: int = 1) -> None:
        with self._lock:
            self.counts[name] += number

    def appended(self, messages: int, seconds: float) -> None:
        with self._lock:
            self.counts.update({"appends": 1, "messages": messages})
            self.slowest = max(self.slowest, seconds)

    def before_compaction(self, event: CompactionEvent) -> None:
        """Nobody is refused."""

    def after_compaction(self, event: CompactionEvent) -> None:
        self.count("compactions" if event.committed else "attempts in vain")


class Writer:
    """One thread or task: its messages are numbered by session, and say whose they are."""

    def __init__(self, name: str, report: Report) -> None:
        self.name = name
        self.chance = random.Random(name)
        self._report = report
        self._numbers: Counter[str] = Counter()

    def messages(self, session_id: str) -> list[Dict]:
        """The next one or two: text with an id or without, or a call with its result."""
        if self.chance.random() < 0.3:
            call = f"{self.name}/{session_id}/{self._numbers[session_id]}"
            name, arguments = "read_file", '{"path": "src/main.py"}'
            calling: Dict = {
                "id": call,
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            return [
                {"role": "assistant", "content": self._text(session_id), "tool_calls": [calling]},
                {"role": "tool", "tool_call_id": call, "content": self._text(session_id)},
            ]
        role = self.chance.choice(("user", "assistant"))
        message: Dict = {"role": role, "content": self._text(session_id)}
        if self.chance.random() < 0.5:
            message["id"] = f"{self.name}/{self._numbers[session_id]}"
        return [message]

    def acknowledge(self, session_id: str, messages: list[Dict], seconds: float) -> None:
        """Say that they are stored: one write, so that lines of several threads stay whole."""
        self._report.appended(len(messages), seconds)
        tell("".join(f"stored {session_id} {message['content'][:40]!r}\n" for message in messages))

    def _text(self, session_id: str) -> str:
        self._numbers[session_id] += 1
        words = " ".join(self.chance.choices(WORDS, k=self.chance.randint(5, 60)))
        return f"{self.name} {self._numbers[session_id]} {words}"


def tell(text: str) -> None:
    """To whoever started this process."""
    os.write(1, text.encode())


def names(count: int) -> list[str]:
    """Of the sessions."""
    return [f"s{number}" for number in range(count)]


def opened(archive: Archive, count: int, report: Report, *, background: bool) -> dict[str, Session]:
    """A `Session` for each session: this process's others are other objects for the same ones."""
    return {
        session_id: Session(
            archive,
            session_id,
            budget=Budget(WINDOW),
            policy=Policy.layered(keep=("fraction", 0.1)),
            counter="approximate",
            post_turn="background" if background else "inline",
            observers=[report],
        )
        for session_id in names(count)
    }


def write(writer: Writer, sessions: dict[str, Session], over: threading.Event) -> None:
    """What a thread does."""
    while not over.is_set():
        session_id = writer.chance.choice(list(sessions))
        session, messages = sessions[session_id], writer.messages(session_id)
        start = time.perf_counter()
        session.append(messages)
        writer.acknowledge(session_id, messages, time.perf_counter() - start)
        what = writer.chance.random()
        if what < 0.1:
            session.append(messages[:1] if "id" in messages[0] else [])  # told again: stored once
        elif what < 0.5:
            session.context()
        elif what < 0.7:
            session.after_turn()
        elif what < 0.75:
            session.compact()


async def awrite(writer: Writer, sessions: dict[str, Session], over: threading.Event) -> None:
    """What a task does."""
    while not over.is_set():
        session_id = writer.chance.choice(list(sessions))
        session, messages = sessions[session_id], writer.messages(session_id)
        start = time.perf_counter()
        await session.aappend(messages)
        writer.acknowledge(session_id, messages, time.perf_counter() - start)
        what = writer.chance.random()
        if what < 0.4:
            await session.acontext()
        elif what < 0.6:
            await session.aafter_turn()
        elif what < 0.65:
            await session.acompact()


def in_threads(writers: list[Writer], sessions: list[dict[str, Session]], over: threading.Event) -> list[str]:
    """All writers to their end; what was raised."""
    raised: list[str] = []

    def run(number: int) -> None:
        try:
            write(writers[number], sessions[number % len(sessions)], over)
        except BaseException as error:  # noqa: BLE001 - told to the test
            raised.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(writers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


async def in_tasks(
    writers: list[Writer], sessions: list[dict[str, Session]], over: threading.Event
) -> list[str]:
    """The same as tasks of one event loop."""
    tasks = (awrite(writer, sessions[n % len(sessions)], over) for n, writer in enumerate(writers))
    done = await asyncio.gather(*tasks, return_exceptions=True)
    return [f"{type(error).__name__}: {error}" for error in done if error is not None]


def count_losses(report: Report) -> None:
    """Count lost races: after each the session looks at where it stands now."""
    recover: Callable[[SessionState], None] = SessionState.recover

    def counting(state: SessionState) -> None:
        report.count("lost races")
        recover(state)

    SessionState.recover = counting  # type: ignore[method-assign]


def main(place: str, name: str, mode: str, count: str) -> None:
    """Write until told to end."""
    report, over = Report(), threading.Event()
    count_losses(report)
    with open_archive(place) as archive:
        sessions = [
            opened(archive, int(count), report, background=background) for background in (False, True)
        ]
        writers = [Writer(f"{name}.{number}", report) for number in range(WRITERS)]
        tell("ready\n")
        sys.stdin.readline()
        threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
        if mode == "loop":
            raised = asyncio.run(in_tasks(writers, sessions, over))
        else:
            raised = in_threads(writers, sessions, over)
        for session in (session for group in sessions for session in group.values()):
            session.close()
    tell(json.dumps({**report.counts, "slowest append": report.slowest, "raised": raised}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
