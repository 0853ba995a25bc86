"""Search and references through a session: sync and async, across compactions, and what names nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from context_compaction import Message, Policy, SQLiteArchive, UnknownReference
from context_compaction.testing.drafters import ScriptedDrafter
from tests.session.talks import dicts, session, turns
from tests.windows import assistant, system, user

FACT = user("the staging database is frozen on tuesday, see HM-4127")


async def test_the_async_twins_find_the_same() -> None:
    """After the fact has left the view, too."""
    async with session(policy=Policy.truncating()) as s:
        await s.aappend([FACT, assistant("noted"), *turns(1, 12), user("now")])
        await s.acontext()
        assert s.view.gaps
        hits = await s.arecall("when is staging frozen?", k=3)
        assert hits == s.recall("when is staging frozen?", k=3)
        assert hits[0].ref == "m:1"
        assert dicts(await s.aexpand(hits[0].ref)) == [FACT]


def test_references_of_every_form() -> None:
    """One message, a range, several parts, and a summary that leads to all that it stands for."""
    s = session()
    said = [FACT, assistant("noted"), *turns(1, 12), user("now")]
    s.append(said)
    s.compact()
    assert dicts(s.expand("m:2-m:4")) == said[1:4]
    assert dicts(s.expand("m:1, m:3")) == [said[0], said[2]]
    number = s.view.summaries[0]
    originals = dicts(s.expand(f"s:{number}"))
    assert originals[0] == FACT
    assert originals == said[: len(originals)]


@pytest.mark.parametrize("ref", ["m:0", "m:99", "m:4-m:2", "s:7", "x:1", "", "m:1;m:2", "m:1-m:99"])
def test_what_names_nothing(ref: str) -> None:
    """The error repeats the reference and shows what references look like."""
    s = session()
    s.append(turns(1, 3))
    with pytest.raises(UnknownReference, match="references look like"):
        s.expand(ref)


def test_what_was_pruned_is_told() -> None:
    """One line for each run of messages that are gone, where a reference, a summary or a log leads there."""
    with SQLiteArchive() as archive:
        talk = [*turns(1, 4), system("RULE"), *turns(5, 4)]
        s = session(archive, policy=Policy.layered(fidelity_floor=0.0), drafter=ScriptedDrafter())
        s.append(talk)
        s.pin("m:3")
        assert s.compact().committed
        assert archive.prune(max_age=0).messages == 10
        told = [
            "[m:1-m:2: 2 messages (100 tokens) were",
            talk[2]["content"],
            "[m:4-m:8: 5 messages (250 tokens) were",
            "RULE",
            "[m:10-m:12: 3 messages (150 tokens) were",
        ]
        stays = [message["content"] for message in talk[12:]]
        assert words(s.history()) == [*told, *stays]
        assert words(s.expand("m:1-m:12")) == words(s.expand("m:3,m:9,s:1")) == told
        assert words(s.expand("m:2-m:4")) == [
            "[m:2: 1 message (50 tokens) was",
            told[1],
            "[m:4: 1 message (50 tokens) was",
        ]
        [line] = s.expand("m:5")
        assert (line.role, line.format) == ("system", "tombstone")
        assert line.text.endswith("; the text is gone]")
        with pytest.raises(UnknownReference, match="was pruned"):
            s.pin("m:5")


def words(messages: Sequence[Message]) -> list[str]:
    """What they say, of a line about what is gone without the day."""
    return [message.text.partition(" pruned on ")[0] for message in messages]
