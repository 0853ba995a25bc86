"""Search and references through a session: sync and async, across compactions, and what names nothing."""

from __future__ import annotations

import pytest

from context_compaction import Policy, UnknownReference
from tests.session.talks import dicts, session, turns
from tests.windows import assistant, user

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
