"""`Session.sync(trimmed=False)`: the list is all there is, what is missing at its beginning was removed."""

from __future__ import annotations

import pytest

from context_compaction import Policy
from tests.session.talks import dicts, session, turns
from tests.windows import system, user


@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_a_list_that_is_not_trimmed_is_all_there_is(gone: int) -> None:
    """What is missing at its beginning, a system message too, was removed; the branch before keeps it."""
    whole = [system("be brief"), *turns(1, 2), user("so?")]
    s = session()
    s.sync(whole)
    rest = whole[gone + 1 :]
    assert s.sync(rest).kind == "unchanged"
    done = s.sync(rest, trimmed=False)
    assert (done.kind, done.forked_at, dicts(s.history())) == ("forked", 0, rest)
    assert s.sync(rest, trimmed=False).kind == "unchanged"
    assert dicts(s.history(s.branches()[0].id)) == whole


def test_a_message_behind_the_context_message_can_be_removed() -> None:
    """All that the context message stands for is shared."""
    s = session(policy=Policy.truncating())
    log = turns(1, 30)
    s.sync(log)
    s.compact()
    held = list(s.context())
    assert held[0].is_context
    first = log.index(dicts(held)[1])
    assert s.sync([held[0], *held[2:]], trimmed=False).forked_at == first
    assert dicts(s.history()) == [*log[:first], *log[first + 1 :]]


def test_an_empty_list_that_is_not_trimmed_ends_the_conversation() -> None:
    s = session()
    s.sync(turns(1, 2))
    assert s.sync([], trimmed=False).forked_at == 0
    assert (s.history(), len(s.branches())) == ([], 2)
