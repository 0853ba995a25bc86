"""A session that is open while it is forgotten goes on, empty."""

from __future__ import annotations

import pytest

from context_compaction import Budget, Policy, Session, open_archive

SAID = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]


@pytest.mark.parametrize("policy", [None, Policy.off()], ids=["on", "off"])
def test_its_context_is_empty_and_it_can_be_spoken_to(policy):
    archive = open_archive(":memory:")
    session = Session(archive, "s1", budget=Budget(2000), policy=policy)
    session.append(SAID)
    assert len(session.context()) == 2
    session.archive.forget(session.session_id, session.namespace)
    assert session.context() == []
    session.append(SAID[:1])
    assert [message.text for message in session.context()] == ["hello"]


def test_switched_off_it_still_sees_what_another_writer_appends():
    archive = open_archive(":memory:")
    one = Session(archive, "s1", budget=Budget(2000), policy=Policy.off())
    other = Session(archive, "s1", budget=Budget(2000))
    assert one.context() == []
    other.append(SAID)
    assert [message.text for message in one.context()] == ["hello", "hi"]
