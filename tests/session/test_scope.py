"""Looking things up over the sessions of a namespace: only when asked, and never in another namespace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from context_compaction import (
    Archive,
    Budget,
    QueryError,
    Session,
    Sessions,
    ToolRules,
    UnknownReference,
    open_archive,
)
from context_compaction.session.lookup import Lookup
from tests import builders

BUDGET = Budget(8192)
SAID = {
    ("n", "ann"): ("the crane is at berth 4", "thanks"),
    ("n", "b@b, x"): ("which crane?", "the red crane, ticket HM-4127"),
    ("other", "ann"): ("a secret crane", "hush"),
}


@pytest.fixture
def archive() -> Iterator[Archive]:
    with open_archive() as archive:
        for (namespace, name), texts in SAID.items():
            with opened(archive, name, namespace) as session:
                session.append([builders.user(texts[0]), builders.assistant(texts[1])])
        yield archive


def opened(archive: Archive, name: str = "ann", namespace: str = "n") -> Session:
    return Session(archive, name, namespace, budget=BUDGET)


def test_a_session_searches_itself_unless_asked_for_more(archive: Archive):
    with opened(archive) as session:
        assert [hit.ref for hit in session.recall("crane")] == ["m:1", "m:2"]
        assert [hit.session_id for hit in session.recall("crane")] == [None, None]
        over = session.recall("crane", scope="namespace")
    assert [hit.text for hit in over][:2] == ["which crane?", "the red crane, ticket HM-4127"]
    assert {hit.ref for hit in over} == {"m:1@ann", "m:2@ann", "m:1@b@b, x", "m:2@b@b, x"}
    assert all(hit.metadata["ref"] == hit.ref for hit in over)


async def test_what_is_found_expands_with_the_same_scope(archive: Archive):
    with opened(archive) as session:
        for hit in await session.arecall("crane", scope="namespace"):
            assert session.expand(hit.ref, scope="namespace") == [hit.message]
            assert (await session.aexpand(hit.ref, scope="namespace")) == [hit.message]
            [passage] = session.expand_page(hit.ref, scope="namespace").items
            assert passage.text == hit.text
            with pytest.raises(UnknownReference, match="references look like"):
                session.expand(hit.ref)
        assert len(session.expand("m:1-m:2@b@b, x", scope="namespace")) == 2
        assert session.expand("m:1", scope="namespace")[0].text == "the crane is at berth 4"


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("m:1@eve", "this namespace has no such session"),
        ("m:9@ann", "this session has no such message"),
        ("m:1@", "this namespace has no such session"),
        ("@ann", "references look like"),
        ("m:1@ann@ann", "this namespace has no such session"),
    ],
)
def test_references_that_name_nothing(archive: Archive, ref: str, says: str):
    before = archive.sessions()
    with opened(archive) as session, pytest.raises(UnknownReference, match=says):
        session.expand(ref, scope="namespace")
    assert archive.sessions() == before, "none is begun by asking"


def test_pages_over_sessions(archive: Archive):
    with opened(archive) as session:
        first = session.recall_page("crane", max_tokens=1, scope="namespace")
        rest = session.recall_page("crane", cursor=first.next, scope="namespace")
        whole = session.recall("crane", scope="namespace")
        assert [hit.ref for hit in (*first.items, *rest.items)] == [hit.ref for hit in whole]
        with pytest.raises(QueryError, match="no cursor of this question"):
            session.recall_page("crane", cursor=first.next)
        with pytest.raises(QueryError, match="use 'session' or 'namespace'"):
            session.recall("crane", scope="archive")  # pyright: ignore[reportArgumentType]


async def test_sessions_are_searched_without_opening_one(archive: Archive):
    sessions = Sessions(archive, BUDGET, "n", tools=ToolRules())
    hits = sessions.recall("red crane", 2)
    assert hits[0].text == "the red crane, ticket HM-4127"
    assert await sessions.arecall("red crane", 2) == hits
    assert sessions.expand(hits[0].ref) == [hits[0].message]
    page = sessions.recall_page("red crane", max_tokens=1)
    assert (page.items[0].ref, page.next is None) == (hits[0].ref, False)
    assert Sessions(archive, BUDGET, "nowhere").recall("crane") == []
    assert archive.sessions("nowhere") == []
    assert (sessions.has("ann"), sessions.has("eve")) == (True, False)
    with pytest.raises(UnknownReference, match="name the session, too"):
        sessions.expand("m:1")


def test_a_lookup_over_sessions_says_whose_it_is(archive: Archive):
    lookup = Lookup(scope="namespace", k=2)
    with opened(archive) as session:
        found = lookup.answer(session, "red crane")
        assert found.refs[0] == "m:2@b@b, x"
        assert found.text.startswith("[m:2@b@b, x] assistant:\nthe red crane, ticket HM-4127")
        assert lookup.answer(session, ref="[m:2@b@b, x]").text == "assistant:\nthe red crane, ticket HM-4127"
        assert "secret" not in lookup.answer(session, "secret crane").text
        with pytest.raises(UnknownReference):
            Lookup().answer(session, ref="m:2@b@b, x")
    assert "in others" in lookup.description
    assert Lookup().description == Lookup.DESCRIPTION


def test_a_lookup_over_sessions_does_not_find_its_own_answers(archive: Archive):
    with opened(archive, "third") as session:
        session.append(
            builders.used("c1", "recall", '{"query": "crane"}', "[m:1@ann] the crane is at berth 4")
        )
        found = Lookup(scope="namespace", k=9).answer(session, "crane berth")
    assert all(not ref.endswith("@third") or ref.startswith("m:1@") for ref in found.refs)
    assert "m:1@ann" in found.refs


def test_a_lookup_bounds_outlines_and_minds_what_models_send(archive: Archive):
    with opened(archive, "dated") as session:
        session.append(
            [
                builders.user("crane of spring", timestamp="2026-03-01T09:00:00Z"),
                builders.user("crane of autumn", timestamp="2026-10-01T09:00:00Z"),
            ]
        )
        lookup = Lookup()
        assert lookup.answer(session, "crane", after="2026-05").refs == ("m:2",)
        assert lookup.answer(session, "crane", before="[m:2]").refs == ("m:1",)
        assert lookup.answer(session, "crane", after=1, ref="", overview="false", page="1").refs == ("m:2",)
        assert lookup.answer(session, ref=2, query="null").refs == ("m:2",)
        nothing = lookup.answer(session, "crane", after="2027-01-01")
        assert (nothing.text, nothing.refs) == ("Nothing that was said after 2027-01-01 holds 'crane'.", ())
        outline = lookup.answer(session, overview=True)
        assert outline.text == str(session.describe())
        assert outline.refs == ()
        with pytest.raises(
            QueryError, match="after is 'soon'; it can be a message such as 'm:57', or a time"
        ):
            lookup.answer(session, "crane", after="soon")
