"""Recall with an embedder: what it adds, whom it never mixes, and that nothing fails with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction.archive import Fork, SQLiteArchive, VectorModel, open_archive
from context_compaction.messages import MediaBlock, Message, TextBlock, ToolCallBlock
from context_compaction.recall import Weights, recall
from context_compaction.recall.embedded_texts import texts_of, without_speakers
from context_compaction.testing.archive_rows import Writer, commit, summary
from context_compaction.testing.embedders import HangingEmbedder, HashedEmbedder
from context_compaction.view import View
from tests.recall.near import TEXTS, by, embedded, refs

# -- what it adds ----------------------------------------------------------------------------------------


def test_what_shares_no_word_is_found():
    """By its likeness, and the hit says so."""
    with open_archive() as archive:
        embedding = by(HashedEmbedder())
        branch = embedded(archive, embedding, *TEXTS).branch
        assert recall(archive, branch, "gardeners' tomato") != []
        assert recall(archive, branch, "colourful") == []
        [best, *_] = recall(archive, branch, "colourful", embedding=embedding)
        assert (best.ref, best.why) == ("m:2", ())
        assert best.similarity is not None
        assert best.similarity > 0.2
        [lexical, *_] = recall(archive, branch, "tomorrow", embedding=embedding)
        assert (lexical.ref, lexical.why) == ("m:3", ("tomorrow",))


def test_summaries_and_what_no_index_holds_are_near_too():
    with open_archive() as archive:
        embedding = by(HashedEmbedder())
        writer = embedded(archive, embedding, *TEXTS)
        archive.commit(
            writer.branch, commit(0, summary(1, "Decided on zebra crossings", ranges=((1, 2),)), at_seq=4)
        )
        embedding.notice(archive, writer.branch)
        assert embedding.wait(archive, writer.branch, 30)
        [best, *_] = recall(archive, writer.branch, "crossing of zebrafish", embedding=embedding)
        assert (best.ref, best.summary) == ("s:1", archive.summaries(writer.branch)[1])
        assert "s:1" not in refs(
            recall(archive, writer.branch, "crossing of zebrafish", embedding=embedding, within=range(1, 6))
        )


def test_neighbours_lend_their_nearness():
    """A message between two that are near stands over an equal one that stands alone."""
    with open_archive() as archive:
        embedding = by(HashedEmbedder())
        texts = (
            "filler one",
            "filler two",
            "xylophones",
            "yes it was",
            "xylophonist",
            "filler three",
            "filler four",
        )
        branch = embedded(archive, embedding, *texts, "yes it was").branch
        hits = {
            hit.ref: hit.score for hit in recall(archive, branch, "xylophonic yesterday", embedding=embedding)
        }
        alone = {
            hit.ref: hit.score
            for hit in recall(
                archive,
                branch,
                "xylophonic yesterday",
                embedding=embedding,
                weights=Weights(similar_before=0, similar_after=0),
            )
        }
        assert hits["m:4"] > hits.get("m:8", 0.0)
        assert alone.get("m:4", 0.0) == pytest.approx(alone.get("m:8", 0.0))


def test_a_question_asks_not_for_the_name_of_who_speaks():
    """It is weighed apart; what it is about is what is embedded, without marks of possession."""
    ann, bob = (
        Message("user", (TextBlock("x"),), name="Ann Lee"),
        Message("user", (TextBlock("y"),), name="Will"),
    )
    assert (
        without_speakers("When will Ann's dog, Rex, meet Will?", [ann, bob]) == "When will dog, Rex, meet ?"
    )
    assert without_speakers("Ann Lee?", [ann]) == "Ann Lee?"
    assert without_speakers("Ann's  dog", [Message("user", (TextBlock("x"),))]) == "Ann's  dog"
    with open_archive() as archive:
        embedder = HashedEmbedder()
        embedding = by(embedder)
        writer = Writer.of(archive)
        writer.append(Message("user", (TextBlock("I walk the dog"),), name="Ann"))
        embedding.notice(archive, writer.branch)
        assert embedding.wait(archive, writer.branch, 30)
        recall(archive, writer.branch, "Who has walked Ann's dog?", embedding=embedding)
        assert embedder.asked == ["Who has walked dog?"]
        assert "I walk the dog" in embedder.seen


def test_a_question_without_a_telling_word_asks_nothing():
    with open_archive() as archive:
        embedding = by(HashedEmbedder())
        branch = embedded(archive, embedding, "and so it is", *TEXTS).branch
        assert recall(archive, branch, "and so it is", embedding=embedding) == []


def test_what_is_embedded_is_what_is_said():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(
            Message("user", (TextBlock("hello"),), name="Ann"),
            Message("assistant", (ToolCallBlock("c", "read", '{"path": "a.py"}'),)),
            Message("user", (TextBlock("x" * 9999),)),
            Message("user", (MediaBlock("image", data="QUJD", mime="image/png"),)),
        )
        texts = texts_of(archive, writer.branch, ["m:1", "m:2", "m:3", "m:4", "s:9"])
        assert texts == {
            "m:1": "hello",
            "m:2": 'read({"path": "a.py"})',
            "m:3": "x" * 4000,
            "m:4": "",
            "s:9": "",
        }


def test_a_stored_question_is_not_near_to_itself():
    """As if it had not been said: neither it nor what came later."""
    with open_archive() as archive:
        embedding = by(HashedEmbedder())
        branch = embedded(archive, embedding, *TEXTS, "colourful").branch
        assert refs(recall(archive, branch, "colourful", 1, embedding=embedding)) == ["m:6"]
        found = recall(archive, branch, "colourful", embedding=embedding, before=6)
        assert refs(found)[0] == "m:2"
        assert "m:6" not in refs(found)


# -- whom it never mixes ---------------------------------------------------------------------------------

words = st.lists(st.sampled_from(("apple", "apples", "pear", "quince", "the", "Ann")), min_size=1, max_size=4)
conversations = st.lists(words.map(" ".join), min_size=1, max_size=8)


@given(conversations, st.lists(conversations, min_size=1, max_size=2), words.map(" ".join))
@settings(max_examples=25, deadline=None)
def test_a_session_is_near_as_if_it_were_alone(said: list[str], others: list[list[str]], query: str):
    """Across sessions, namespaces and branches: no hit and no score depends on them."""
    embedding = by(HashedEmbedder(64))
    with open_archive() as alone, open_archive() as full:
        expected = recall(alone, embedded(alone, embedding, *said).branch, query, 20, embedding=embedding)
        for number, other in enumerate(others):
            embedded(full, embedding, *other, session=f"before {number}")
        writer = embedded(full, embedding, *said)
        for number, other in enumerate(others):
            embedded(full, embedding, *other, *said, namespace=f"namespace {number}")
        fork = full.fork(writer.branch, Fork(len(said), View(), 0, {}, session_id="fork"))
        Writer.of(full, "fork").say(*(text for other in others for text in other))
        embedding.notice(full, fork)
        assert embedding.wait(full, fork, 30)
        assert recall(full, writer.branch, query, 20, embedding=embedding) == expected


def test_another_model_embeds_anew_and_is_never_mixed():
    with open_archive() as archive:
        first, second = HashedEmbedder(name="first"), HashedEmbedder(name="second")
        branch = embedded(archive, by(first), *TEXTS).branch
        assert recall(archive, branch, "colourful", embedding=by(second)) == [], (
            "none of its vectors are there"
        )
        embedding = by(second)
        embedding.notice(archive, branch)
        assert embedding.wait(archive, branch, 30)
        assert set(second.seen) >= set(TEXTS)
        assert refs(recall(archive, branch, "colourful", 1, embedding=embedding)) == ["m:2"]


# -- in the background -----------------------------------------------------------------------------------


def test_what_was_said_without_one_is_embedded_at_the_next_opening(tmp_path):
    """In batches, each text once; a process that ended half way left what it had made."""
    path, embedder = tmp_path / "archive.db", HashedEmbedder()
    with SQLiteArchive(path) as archive:
        writer = Writer.of(archive)
        writer.say(*(f"text number {number}" for number in range(40)))
        model = VectorModel("hashed", 256)
        archive.add_vectors(
            writer.branch, model, {f"m:{n}": embedder.vector(f"text number {n - 1}") for n in (1, 2, 7)}
        )
    with SQLiteArchive(path) as archive:
        embedding = by(embedder)
        embedding.notice(archive, writer.branch)
        assert embedding.wait(archive, writer.branch, 30)
        assert embedding.missing(archive, writer.branch) == 0
        assert [text for text in embedder.seen if text != "dimension"] == [
            f"text number {n - 1}" for n in range(1, 41) if n not in (1, 2, 7)
        ]
        writer = Writer.of(archive)
        writer.say("one more")
        embedder.seen.clear()
        embedding.notice(archive, writer.branch)
        assert embedding.wait(archive, writer.branch, 30)
        assert embedder.seen == ["one more"]


def test_two_at_once_make_nothing_twice(tmp_path):
    with SQLiteArchive(tmp_path / "archive.db") as one, SQLiteArchive(tmp_path / "archive.db") as two:
        writer = Writer.of(one)
        writer.say(*(f"text number {number}" for number in range(100)))
        embeddings = [by(HashedEmbedder()), by(HashedEmbedder())]
        for archive, embedding in zip((one, two), embeddings, strict=True):
            embedding.notice(archive, writer.branch)
        for archive, embedding in zip((one, two), embeddings, strict=True):
            assert embedding.wait(archive, writer.branch, 30)
            assert embedding.trouble == ""
        near = one.nearest(writer.branch, VectorModel("hashed", 256), HashedEmbedder().vector("text"), 1000)
        assert sorted(found.seq for found in near) == list(range(1, 101))


def test_notice_waits_for_nothing_and_an_archive_can_be_left():
    embedder = HangingEmbedder()
    with open_archive() as archive:
        embedding = by(embedder)
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        embedding.notice(archive, writer.branch)
        assert embedder.entered.wait(30)
        embedding.notice(archive, writer.branch)
        assert not embedding.wait(archive, writer.branch, 0.01)
        embedding.leave(archive)
    embedder.release.set()
    assert embedding.wait(archive, writer.branch, 30)
    assert embedding.trouble == "", "a closed archive is no trouble of the embedder's"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_thread_of_its_own(tmp_path: Path):
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        embedding = by(HashedEmbedder())
        writer = embedded(archive, embedding, *TEXTS)
        child = os.fork()
        if not child:
            status = 1
            try:
                writer.say("said by the child")
                embedding.notice(archive, writer.branch)
                status = (
                    0
                    if embedding.wait(archive, writer.branch, 30)
                    and not embedding.missing(archive, writer.branch)
                    else 2
                )
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_asks_while_the_parent_is_busy(tmp_path: Path):
    """The call that is under way is the parent's: the child's question does not wait for it."""
    embedder = HangingEmbedder()
    embedding = by(embedder)
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        writer = Writer.of(archive)
        writer.say(*TEXTS)
        embedding.notice(archive, writer.branch)
        assert embedder.entered.wait(30)
        child = os.fork()
        if not child:
            status = 1
            try:
                embedder.hangs = False
                status = 0 if embedding.vector("a question") else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        embedding.leave(archive)
        embedder.release.set()
