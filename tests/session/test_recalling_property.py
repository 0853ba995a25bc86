"""Whatever was said, the recalled block is word for word, in its room, the same all its turn."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import Message, Policy
from tests.checker import Request, check_request
from tests.session.talks import INPUT, dicts, session, turns, wire
from tests.windows import WORDS, asks, assistant, user

WORD = st.sampled_from(
    ["Pegasus", "bicycle", "Lisbon", "stands", "in", "the", "[...]", "[m:3", "</recalled>", "{x}"]
)
END = st.sampled_from([" ", " ", " ", "\n", "\r\n", ". ", "\n[...]\n", "\u2028", "\ud83d ", "\x00"])
LINES = st.lists(st.tuples(WORD, END), min_size=1, max_size=8).map(lambda parts: "".join(map("".join, parts)))
TEXT = st.tuples(st.lists(LINES, min_size=1, max_size=4), st.integers(1, 60)).map(
    lambda drawn: f"\nordinary matters {drawn[1]}\n".join(drawn[0] * drawn[1])
)


@settings(max_examples=15)
@given(st.lists(TEXT, min_size=1, max_size=4), st.sampled_from([60, 150, 0.2, 0.4]))
def test_a_block_with_passages_keeps_its_terms(texts: list[str], share: float) -> None:
    policy = Policy.layered(recall_share=share)
    room = share if share > 1 else share * INPUT
    with TemporaryDirectory() as folder:
        with session(Path(folder) / "a.db", policy=policy) as s:
            s.append([*(user(text) for text in texts), *turns(1, 8)])
            s.compact()
            s.append(user("where does Pegasus the bicycle stand, in Lisbon?"))
            log, shown = dicts(s.history()), s.context()
            sent = wire(shown)
            count = {"own": lambda found: WORDS.messages(map(Message.from_openai, found))}
            assert check_request(Request(log, dicts(shown), INPUT, count)) == []
            assert all(WORDS.message(found) <= room for found in shown if found.is_recalled)
            s.append(asks("a"))
            assert wire(s.context()[:-1]) == sent
        with session(Path(folder) / "a.db") as s:
            assert wire(s.context()[:-1]) == sent
            s.sync([*dicts(shown), asks("a"), assistant("in Lisbon")], deep=True)
            assert len(s.branches()) == 1
            assert len(s.history()) == len(log) + 2
