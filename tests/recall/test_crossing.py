"""A search over sessions finds all that a namespace shows, each message once, and nothing of another."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from context_compaction.archive import Archive, Fork, VectorModel, open_archive
from context_compaction.errors import QueryError
from context_compaction.messages import Message
from context_compaction.recall import Bounds, Embedding, SearchHit, recall_over, recall_page_over
from context_compaction.recall.embedded_texts import texts_of
from context_compaction.testing.archive_looking import WORDS
from context_compaction.testing.archive_rows import Writer
from context_compaction.testing.embedders import HashedEmbedder
from context_compaction.view import View

NAMESPACES = ("n", "other")
QUERY = "apple or fig"
EMBEDDER = HashedEmbedder()
MODEL = VectorModel("hashed", 256)


@dataclass(frozen=True)
class Step:
    """One thing that happens to a session of a namespace."""

    kind: str
    namespace: str
    session: int
    size: int

    def take(self, archive: Archive, number: int) -> None:
        """Messages say of which step they are, so that no two are alike."""
        name = f"s{self.session}"
        branch = archive.active(self.namespace, name)
        if self.kind == "say" or branch is None:
            writer = Writer.of(archive, name, self.namespace)
            writer.say(*(f"{('apple', 'fig', 'quiet')[n % 3]} {number}x{n}" for n in range(self.size)))
            return
        if self.kind == "forget":
            archive.forget(name, self.namespace, forks="detach")
        elif self.kind == "prune":
            archive.prune(max_age=0, uncovered=True)
        elif self.kind == "switch":
            branches = archive.branches(branch)
            archive.activate(branches[self.size % len(branches)].id)
        else:
            at = min(self.size, archive.tip(branch).last_seq)
            session_id = f"f{number}" if self.kind == "fork" else None
            archive.fork(branch, Fork(at, View(), 0, {}, session_id=session_id, activate=session_id is None))


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(("say", "say", "say", "edit", "fork", "switch", "forget", "prune")),
        st.sampled_from(NAMESPACES),
        st.integers(0, 2),
        st.integers(1, 6),
    ),
    min_size=1,
    max_size=14,
)
SHARED = [
    Step("say", "n", 0, 6),
    Step("fork", "n", 0, 3),
    Step("edit", "n", 0, 1),
    Step("say", "n", 0, 4),
    Step("say", "other", 0, 6),
]


@given(steps)
@example(SHARED)
@example([*SHARED, Step("forget", "n", 0, 1)])
@example([*SHARED, Step("prune", "n", 0, 1), Step("switch", "n", 0, 2)])
@settings(max_examples=80, deadline=None)
def test_what_a_namespace_shows_is_found_once_and_nothing_else(taken: list[Step]):
    with open_archive() as archive, open_archive() as alone:
        for number, step in enumerate(taken):
            step.take(archive, number)
            if step.namespace == "n" or step.kind == "prune":
                step.take(alone, number)
        hits = recall_over(archive, "n", QUERY, 500)
        said = shown(archive, "n")
        found = [hit.text for hit in hits]
        assert len(found) == len(set(found))
        assert {text for text in said if "quiet" not in text} <= set(found) <= said
        assert all(archive.active("n", hit.session_id or "") is not None for hit in hits)
        for hit in hits:
            assert [one.text for one in expanded(archive, "n", hit)] == [hit.text]
        if not any(step.kind == "prune" for step in taken):
            assert ranked(hits) == ranked(recall_over(alone, "n", QUERY, 500))


@given(steps)
@example(SHARED)
@example([*SHARED, Step("forget", "n", 0, 1), Step("say", "n", 0, 3)])
@settings(max_examples=40, deadline=None)
def test_vectors_cross_no_namespace_either(taken: list[Step]):
    """What has the words, and what is only near, of what the namespace shows: each once."""
    with open_archive() as archive:
        for number, step in enumerate(taken):
            step.take(archive, number)
            embed(archive)
            near = archive.nearest_over("n", MODEL, EMBEDDER.vector("apple"), 500)
            texts = [text_of(archive, branch, one.seq) for branch, one in near]
            assert len(texts) == len(set(texts))
            assert set(texts) == shown(archive, "n")
        hits = recall_over(archive, "n", "apple", 500, embedding=Embedding.of(EMBEDDER))
        assert len(hits) == len({hit.text for hit in hits})
        assert {hit.text for hit in hits} <= shown(archive, "n")
        assert all(hit.similarity is not None for hit in hits)


@given(steps, st.integers(1, 40))
@example(SHARED, 3)
@settings(max_examples=40, deadline=None)
def test_pages_have_each_hit_once_whatever_is_said_meanwhile(taken: list[Step], room: int):
    with open_archive() as archive:
        for number, step in enumerate(taken):
            step.take(archive, number)
        first = recall_page_over(archive, "n", QUERY, WORDS, bounds=Bounds(), max_tokens=500, cursor=None)
        found: list[str] = []
        cursor, number = None, 100
        while True:
            page = recall_page_over(
                archive, "n", QUERY, WORDS, bounds=Bounds(), max_tokens=room, cursor=cursor
            )
            found += [hit.ref for hit in page.items]
            Step("say", "n", number % 5, 2).take(archive, number)
            cursor, number = page.next, number + 1
            if cursor is None:
                break
        assert found == [hit.ref for hit in first.items]


@pytest.mark.parametrize("bound", [5, "m:5"])
def test_messages_bound_no_search_over_sessions(bound: int | str):
    with open_archive() as archive, pytest.raises(QueryError, match="as times, such as '2026-03-01'"):
        recall_over(archive, "n", "apple", bounds=Bounds.of(bound, None))


def test_the_first_message_of_a_fork_has_the_words_of_what_it_answers():
    """The question stands in the part that is shared, its new answer does not."""
    with open_archive() as archive:
        writer = Writer.of(archive, "s")
        writer.say("where is the crane", "at the old berth", "thanks")
        archive.fork(writer.branch, Fork(1, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").say("near the ferry")
        hits = {hit.ref: hit for hit in recall_over(archive, "default", "crane")}
        assert hits.keys() == {"m:1@s", "m:2@s", "m:3@s", "m:2@child"}
        assert hits["m:2@child"].neighbours == ("m:1@child",)
        assert hits["m:2@child"].because == "beside messages with crane"


def test_many_messages_with_two_words_come_before_the_newest_with_one():
    with open_archive() as archive:
        Writer.of(archive, "old").say("the crane permit ends in May", "noted")
        for number in range(4):
            text = ("crane", "permit")[number % 2]
            Writer.of(archive, f"s{number}").say(*(f"{text} {n}" for n in range(400)))
        assert recall_over(archive, "default", "crane permit", 1)[0].ref == "m:1@old"


def embed(archive: Archive) -> None:
    """Make the vectors of all sessions, of every namespace."""
    for place, name in archive.sessions():
        branch = archive.active(place, name) or 0
        refs = archive.unembedded(branch, MODEL)
        texts = texts_of(archive, branch, refs)
        archive.add_vectors(branch, MODEL, {ref: EMBEDDER.vector(text) for ref, text in texts.items()})


def text_of(archive: Archive, branch: int, seq: int) -> str:
    [row] = archive.messages(branch, [(seq, seq)])
    return row.message.text


def shown(archive: Archive, namespace: str) -> set[str]:
    """What the sessions of a namespace show."""
    return {
        row.message.text
        for place, name in archive.sessions(namespace)
        if (branch := archive.active(place, name)) is not None
        for row in archive.messages(branch)
        if not row.pruned
    }


def expanded(archive: Archive, namespace: str, hit: SearchHit) -> list[Message]:
    local, _, name = hit.ref.partition("@")
    branch, seq = archive.active(namespace, name), int(local[2:])
    return [] if branch is None else [row.message for row in archive.messages(branch, [(seq, seq)])]


def ranked(hits: Iterable[SearchHit]) -> list[tuple[str, float]]:
    return [(hit.ref, hit.score) for hit in hits]
