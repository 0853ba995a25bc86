"""`create_recall_tool`: what left the context is looked up by words and by reference, a page at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from context_compaction import ArchiveUnavailable, QueryError, Session, TokenCounter, UnknownReference
from llamaindex_compaction import create_recall_tool
from tests import builders
from tests.llamaindex.talking import events, talk


def test_by_words():
    with talk() as session:
        found = create_recall_tool(session, k=2).call(query="crane number 12")
        first, second = str(found.content).split("\n\n")
        assert first == f"[m:25] user ann (2026-03-01T10:12:00Z):\n{session.expand('m:25')[0].text}"
    assert found.raw_output["refs"][0] == "m:25"
    assert second.startswith(f"[{found.raw_output['refs'][1]}] ")
    assert json.loads(json.dumps(found.raw_output)) == {**found.raw_output, "page": 1, "pages": 1}
    assert (found.tool_name, found.is_error) == ("recall", False)


@pytest.mark.parametrize("ref", ["m:7", "m:3-m:6", "m:2, m:9"])
def test_by_reference(ref: str):
    with talk() as session:
        found = create_recall_tool(session).call(ref=ref)
        assert all(message.text in str(found.content) for message in session.expand(ref))
    assert found.raw_output["refs"] == [ref]


async def test_async_finds_the_same():
    with talk() as session:
        tool = create_recall_tool(session)
        assert await tool.acall(query="harbour crane") == tool.call(query="harbour crane")


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("counter", [None, words])
def test_no_answer_is_longer_than_the_cap_and_pages_make_the_whole(counter: Any):
    count = TokenCounter.of(counter)
    with talk() as session:
        session.append(builders.user("first\n" + "a line of it\n" * 2000 + "last"))
        tool = create_recall_tool(session, max_tokens=300, token_counter=counter)
        pages = [tool.call(ref="m:61")]
        while pages[-1].raw_output["page"] < pages[-1].raw_output["pages"]:
            pages.append(tool.call(ref="m:61", page=len(pages) + 1))
    assert len(pages) > 10
    assert all(count.text(str(page.content)) <= 300 for page in pages)
    parts = [str(page.content).rsplit("\n[page ", 1)[0] for page in pages]
    assert "".join(parts) == "user:\nfirst\n" + "a line of it\n" * 2000 + "last"


@pytest.mark.parametrize(
    ("args", "kind", "says"),
    [
        ({"ref": "m:99"}, UnknownReference, "'m:99': this session has no such message or summary"),
        ({"ref": "the first one"}, UnknownReference, "references look like"),
        ({}, QueryError, "give query, words to search for, or ref, such as m:57"),
        ({"ref": "m:1", "page": 2}, QueryError, "there is no page 2; the last one is 1"),
        ({"ref": "m:1", "page": 0}, QueryError, "page is a number from 1 on, not '0'"),
        ({"query": ["crane"]}, QueryError, "query is words to search for, as text"),
        ({"query": "crane", "after": "yesterday"}, QueryError, "a time such as '2026-03-01'"),
        ({"overview": "perhaps"}, QueryError, "overview is true or false, not 'perhaps'"),
        ({"text": "crane"}, QueryError, "give query, words to search for, or ref, such as m:57"),
    ],
)
async def test_what_cannot_be_answered_is_an_error_that_says_what_to_give(args: Any, kind: Any, says: str):
    with talk() as session:
        tool = create_recall_tool(session)
        found, again = tool.call(**args), await tool.acall(**args)
    assert says in str(found.content)
    assert (found.is_error, type(found.exception), found.content) == (True, kind, again.content)


def test_other_sessions_only_if_the_developer_says_so():
    with talk() as session, Session(session.archive, "s2", "ann", budget=session.budget) as other:
        other.append(builders.user("The vault is behind the mirror."))
        asked = {"query": "vault mirror", "scope": "namespace", "session_id": "s2"}
        found = create_recall_tool(session).call(**asked)
        assert found.content == "Nothing that was said holds 'vault mirror'."
        found = create_recall_tool(session, scope="namespace").call(query="vault mirror")
        assert found.content == "[m:1@s2] user:\nThe vault is behind the mirror."


def test_bounds_and_an_outline():
    with talk() as session:
        tool = create_recall_tool(session)
        found = tool.call(query="harbour crane", after="2026-03-01T10:20:00Z", before="m:50")
        assert all(41 <= int(ref[2:]) < 50 for ref in found.raw_output["refs"])
        assert found.raw_output["refs"]
        assert tool.call(overview=True).content == str(session.describe())


def test_nothing_found():
    with talk() as session:
        found = create_recall_tool(session).call(query="xylophone")
    assert found.content == "Nothing that was said holds 'xylophone'."
    assert found.raw_output["refs"] == []


def test_an_archive_that_is_gone_is_not_told_to_the_model():
    session = talk()
    tool = create_recall_tool(session)
    session.close()
    found = tool.call(query="crane")
    assert (found.content, found.is_error) == ("what was said cannot be looked up now", True)
    assert isinstance(found.exception, ArchiveUnavailable)


def test_what_a_provider_is_told_of_it():
    with talk() as session:
        told = create_recall_tool(session).metadata.to_openai_tool()["function"]
    assert told["name"] == "recall"
    assert set(told["parameters"]["properties"]) == {"query", "ref", "after", "before", "overview", "page"}
    assert len(told["description"]) <= 1024
    assert not told["parameters"].get("required")


def test_a_memory_of_another_kind():
    with pytest.raises(TypeError, match="a CompactionMemory or a Session, not"):
        create_recall_tool(object())  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"k": 0}, {"max_tokens": 0}])
def test_sizes_that_mean_nothing(options: Any):
    with talk() as session, pytest.raises(ValueError, match="must be 1 or more"):
        create_recall_tool(session, **options)


async def test_recalls_are_told_to_the_dispatcher():
    with talk() as session, events() as told:
        tool = create_recall_tool(session, k=1)
        await tool.acall(query="crane number 12")
        assert (await tool.acall(ref="m:99")).is_error
    assert [each.class_name() for each in told] == ["RecallStartEvent", "RecallEndEvent", "RecallStartEvent"]
    assert (told[1].session_id, told[1].namespace, told[1].refs) == ("s1", "ann", ["m:25"])
    assert told[0].span_id == told[1].span_id != told[2].span_id, "each in the span of its call"
    assert "crane" not in repr(told)
