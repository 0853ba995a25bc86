"""A recalled block of a live session, when what it quotes is pruned: no text outlives its message."""

from __future__ import annotations

from context_compaction import Budget, Policy, Session
from context_compaction.archive import Archive, SQLiteArchive
from tests.windows import user

CODE, PLACE = "The gate code of the marina is 4127.", "The marina with the gate code lies in Faro."
BUDGET, POLICY = Budget(1024, reserve_tokens=0), Policy.layered(recall_share=0.5)


def opened(archive: Archive) -> Session:
    return Session(archive, budget=BUDGET, policy=POLICY)


def asked(archive: Archive) -> Session:
    """A summary stands for most of what was said, and the block of a question quotes two facts of it."""
    s = opened(archive)
    s.append(user(CODE))
    s.append([user(f"Boat {number} " + "was repainted. " * 9) for number in range(30)])
    s.append(user(PLACE))
    s.append([user(f"Boat {number} " + "was repainted. " * 9) for number in range(30, 60)])
    s.append(user("What was the gate code of the marina?"))
    assert CODE in recalled(s)
    assert PLACE in recalled(s)
    return s


def recalled(s: Session) -> str:
    return "".join(message.text for message in s.context() if message.is_recalled)


def test_what_is_pruned_leaves_the_block() -> None:
    with SQLiteArchive() as archive:
        s = asked(archive)
        archive.prune(max_age=0)
        assert CODE not in recalled(s)
        assert PLACE not in recalled(s)
        assert s.context() == opened(archive).context()


def test_what_is_left_of_it_stays() -> None:
    with SQLiteArchive() as archive:
        s = asked(archive)
        s.pin("m:32")
        archive.prune(max_age=0)
        assert CODE not in recalled(s)
        assert PLACE in recalled(s)
        held = s.context()
        assert held == opened(archive).context()
        assert s.context() == held
