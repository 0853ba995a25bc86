"""Does all that writes until it is killed: ``python -m tests.archive.killer FILE``.

Prints the number of each message once it is stored. Beside the one session it makes others, with branches,
forgets them, prunes, and writes backups.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import sys
from typing import Any

from context_compaction import Budget, CannotCompact, Policy, Session, SQLiteArchive

SESSION = "killed"
WINDOW = 2048
WORDS = ("archive", "branch", "cursor", "deploy", "filter", "index", "ledger", "parser", "queue", "token")


def said(number: int) -> dict[str, Any]:
    """Message ``number`` of an endless conversation: question, two calls, their results, answer."""
    chance = random.Random(number)
    text = f"number {number}: " + " ".join(chance.choices(WORDS, k=chance.randint(20, 160)))
    turn, place = divmod(number - 1, 5)
    first, second = f"call_{turn}_a", f"call_{turn}_b"
    if place == 1:
        calls = [_call(first, turn), _call(second, turn + 1)]
        return {"role": "assistant", "content": None, "tool_calls": calls}
    if place in (2, 3):
        return {"role": "tool", "tool_call_id": first if place == 2 else second, "content": text}
    return {"role": "user" if place == 0 else "assistant", "content": text}


def _call(name: str, file: int) -> dict[str, Any]:
    arguments = f'{{"path": "src/module_{file % 7}.py"}}'
    return {"id": name, "type": "function", "function": {"name": "read_file", "arguments": arguments}}


def open_session(archive: Any) -> Session:
    """The session that is killed, and looked at afterwards."""
    return Session(
        archive,
        SESSION,
        budget=Budget(WINDOW),
        policy=Policy.layered(keep=("fraction", 0.1)),
        counter="approximate",
    )


def side_name(number: int) -> str:
    """A session that comes and goes; its name and all it says hold a word of its own."""
    return f"side-{planted(number)}"


def planted(number: int) -> str:
    """The word, different from its first letter on."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def beside(archive: SQLiteArchive, number: int, chance: random.Random) -> None:
    """Another session with a pin, a fork, an edited list; or its end; or a prune, or a backup."""
    what = chance.choice(("session", "session", "forget", "prune", "backup"))
    if what == "session":
        chat = [{"role": "user", "content": f"{planted(number)} {n}"} for n in range(4)]
        with Session(archive, side_name(number), budget=Budget(WINDOW), counter="approximate") as side:
            side.append(chat)
            side.pin("m:2")
            side.fork(3)
            side.sync([chat[0], {"role": "user", "content": f"edited {planted(number)}"}])
            side.switch(side.branches()[0].id)
    elif what == "forget":
        for _, name in archive.sessions():
            if name != SESSION and chance.random() < 0.7:
                archive.forget(name, forks="cascade")
    elif what == "prune":
        archive.prune(max_age=0)
    else:
        archive.backup(f"{archive.path}.backup")


def main(path: str) -> None:
    """One or two messages at a time, acknowledged when stored; then a context, at times a compaction."""
    chance = random.Random()
    with SQLiteArchive(path) as archive, open_session(archive) as session:
        stored = session.stats.messages_said
        while True:
            count = chance.choice((1, 1, 2))
            session.append([said(stored + offset) for offset in range(1, count + 1)])
            for _ in range(count):
                stored += 1
                print(stored, flush=True)
            with contextlib.suppress(CannotCompact):
                session.context()
                if stored % 5 == 0:
                    session.after_turn()
                if stored % 23 == 0:
                    session.compact()
            if chance.random() < 0.25:
                beside(archive, chance.randrange(10**9), chance)


if __name__ == "__main__":
    main(sys.argv[1])
