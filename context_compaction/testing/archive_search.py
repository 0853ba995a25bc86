"""Contract checks of the search: scope, statistics, and text that is nothing but text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from context_compaction.archive import Archive, Fork
from context_compaction.errors import QueryError
from context_compaction.messages import Message, TextBlock, ToolCallBlock, ToolResultBlock
from context_compaction.recall import recall
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, commit, nasty_messages, summary
from context_compaction.text.periods import periods_of
from context_compaction.view import Kept, Summary, View

HOSTILE = (
    *('NOT "', "apple* OR (", "~b1 AND apple", '"apple" NEAR/2 -x', "terms:apple", "a\0b\ud800"),
    *(
        "apple & !(pear | quince:*)",
        "(apple+)+$",
        "(a|a?)*" * 2000,
        '"apple' * 4000,
        "'" * 4000,
        "\x01\x1f\x7f\t",
    ),
    *("'; DROP TABLE x", "^apple$ .* [", "(" * 5000, "\U0001f600 \u200b \u2028", "{apple}", "apple\\"),
)


def what_was_said_is_found(backend: Backend) -> None:
    """In text, names, tool calls, tool results and summaries, by any form of the word."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(
            Message("user", (TextBlock("We painted the kitchen"),), name="Ingrid"),
            Message("assistant", (ToolCallBlock("c", "readFile", '{"path": "src/lib/parser.py"}'),)),
            Message("tool", (ToolResultBlock("c", "ValueError: bad quux"),)),
            Message("user", (TextBlock("\u6211\u4eec\u53bb\u5317\u4eac\u65c5\u884c"),)),
        )
        archive.commit(writer.branch, commit(0, summary(1, "Decided on the zebra crossing."), at_seq=4))
        finds = {
            "paintings?": "m:1",
            "what did INGRID say": "m:1",
            "readFile": "m:2",
            "parser.py": "m:2",
            "src/lib/parser.py": "m:2",
            "value error": "m:3",
            "\u5317\u4eac": "m:4",
            "zebras": "s:1",
        }
        assert {query: recall(archive, writer.branch, query)[0].ref for query in finds} == finds
        [hit, *_] = recall(archive, writer.branch, "zebras")
        assert (hit.message, hit.summary) == (None, archive.summaries(writer.branch)[1])
        [hit, *_] = recall(archive, writer.branch, "the kitchen paints")
        assert (hit.summary, hit.message) == (None, archive.messages(writer.branch, [(1, 1)])[0].message)
        assert set(hit.why) == {"kitchen", "paints"}
        assert hit.neighbours == ("m:2", "m:3")


def neighbours_of_a_match_are_found(backend: Backend) -> None:
    """Below the match itself, within two messages of the same sitting, with no word of their own."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        texts = ("one", "two", "sunset", "four", "five", "six", "seven")
        hours = (0, 0, 0, 0, 5, 5, 5)
        writer.append(
            *(
                Message("user", (TextBlock(t),), timestamp=1e9 + h * 3600)
                for t, h in zip(texts, hours, strict=True)
            )
        )
        hits = recall(archive, writer.branch, "sunset")
        assert hits[0].ref == "m:3"
        assert {hit.ref: hit.why for hit in hits} == {"m:3": ("sunset",), "m:1": (), "m:2": (), "m:4": ()}
        assert hits[0].neighbours == ("m:1", "m:2", "m:4")


def sessions_are_never_mixed(backend: Backend) -> None:
    """A word of another session or namespace finds nothing, and moves no score."""
    with backend.opened() as archive:
        writer = Writer.of(archive, "mine")
        writer.say("the apple pie", "an apple and a pear", "nothing else", "cherries")
        before = _scores(archive, writer.branch)
        for namespace, session in (("default", "theirs"), ("other", "mine")):
            other = Writer.of(archive, session, namespace)
            other.say(*(f"apple secret number {number}" for number in range(200)))
            archive.commit(other.branch, commit(0, summary(1, "apple secret"), at_seq=200))
        assert recall(archive, writer.branch, "secret") == []
        assert _scores(archive, writer.branch) == before
        assert before


def a_branch_finds_what_it_sees(backend: Backend) -> None:
    """Hits, scores and neighbours are those of a log that holds just that, after a prune too."""
    shared, behind, ahead = ("apple pie", "pear", "the apple tart"), ("quince", "apple"), ("medlar",)
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*shared, *behind)
        archive.commit(writer.branch, commit(0, summary(1, "quince jelly", ranges=((3, 4),)), at_seq=4))
        child = archive.fork(writer.branch, Fork(3, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").say(*ahead)
        alike = Writer.of(archive, "alike")
        alike.say(*shared, *ahead)
        assert recall(archive, child, "quince") == []
        assert [hit.ref for hit in recall(archive, writer.branch, "medlar")] == []
        assert _scores(archive, child) == _scores(archive, alike.branch)
        for hit in recall(archive, child, "tart"):
            [same] = [found for found in recall(archive, alike.branch, "tart") if found.ref == hit.ref]
            assert hit == same
        for branch in (child, alike.branch):
            view = View(1, 4, (Kept(3), Kept(4), Summary(1)))
            plan = replace(commit(0, summary(1, "fruit", ranges=((1, 2),)), at_seq=4), view=view)
            archive.commit(branch, plan)
        archive.commit(writer.branch, replace(commit(1, summary(2, "fruit", ranges=((1, 5),))), view=_GONE))
        assert archive.prune(max_age=0).messages == 2 + 2 + 2, (
            "two shared, two of the parent's, two of the other"
        )
        assert _scores(archive, child) == _scores(archive, alike.branch)
        assert recall(archive, child, "pie") == []
        found = {hit.ref: hit.neighbours for hit in recall(archive, child, "tart")}
        assert found == {"m:3": ("m:4",), "m:4": ("m:3",)}


def user_text_is_never_syntax(backend: Backend) -> None:
    """Any text can be said and asked; what holds a known word finds it."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say("apple", *HOSTILE)
        writer.append(*nasty_messages())
        for query in HOSTILE:
            hits = recall(archive, writer.branch, query, 99)
            assert ("m:1" in [hit.ref for hit in hits]) == ("apple" in query), query
        long = " ".join(f"word{number}" for number in range(120_000))
        assert recall(archive, writer.branch, long) == []
        assert recall(archive, writer.branch, "apple" * 200_000) == []
        hits = recall(archive, writer.branch, "'\"(" * 300_000 + " apple", 99)
        assert "m:1" in [hit.ref for hit in hits]


def queries_without_a_telling_word_find_nothing(backend: Backend) -> None:
    """Empty, punctuation, stop words; what is no query raises."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say("what is this and who are you")
        assert [recall(archive, writer.branch, query) for query in ("", " \n", "?!", "What is this?")] == [
            []
        ] * 4
        for query, k in ((None, 1), (b"x", 1), ("x", 0), ("x", -1), ("x", 1.5), ("x", True)):
            with pytest.raises(QueryError):
                recall(archive, writer.branch, query, k)  # pyright: ignore[reportArgumentType] - that is the point


def what_was_said_at_a_time_is_found(backend: Backend) -> None:
    """Without another word in common; by day, month or year, in each year where none is named."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        days = (
            "2022-06-15T23:59:59Z",
            "2022-06-16T00:00:00Z",
            "2022-06-17",
            "2023-06-16 12:00",
            "2023-07-01",
        )
        writer.append(*(Message("user", (TextBlock(f"on {day[:4]}"),), timestamp=day) for day in days))
        writer.append(Message("user", (TextBlock("a message without a time goes on where it stands"),)))
        Writer.of(archive, "another").append(Message("user", (TextBlock("there"),), timestamp=days[1]))
        finds = {
            "What happened on 16 June, 2022?": {"m:2"},
            "What happened on June 16th?": {"m:2", "m:4"},
            "and in June 2022?": {"m:1", "m:2", "m:3"},
            "and in July?": {"m:5", "m:6"},
            "2024-06-16": set[str](),
        }
        for query, refs in finds.items():
            hits = recall(archive, writer.branch, query)
            assert {hit.ref for hit in hits if any("-" in why or "J" in why for why in hit.why)} == refs, (
                query
            )
        [hit] = recall(archive, writer.branch, "What happened on 17 June, 2022?", 1)
        assert (hit.ref, hit.why[-1]) == ("m:3", "17 June, 2022")
        pool = archive.search(writer.branch, [], 2, periods=periods_of("in June 2022"))
        assert [document.ref for document in pool.documents] == ["m:3", "m:2"], "the newest, to the limit"
        assert list(pool.period_frequencies) == [3]
        child = archive.fork(writer.branch, Fork(1, View(), 0, {}, session_id="child"))
        pool = archive.search(child, [], periods=periods_of("in June 2022"))
        assert ([document.ref for document in pool.documents], list(pool.period_frequencies)) == (
            ["m:1"],
            [1],
        )


def sittings_are_told(backend: Backend) -> None:
    """Of the messages that are there, in this branch; and how many the branch has."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        hours = (0, 0.5, 3, 9, 9)
        writer.append(
            *(Message("user", (TextBlock("apple"),), timestamp=1e9 + hour * 3600) for hour in hours)
        )
        assert archive.sittings(writer.branch, range(9)) == {1: 0, 2: 0, 3: 1, 4: 2, 5: 2}
        assert archive.sittings(writer.branch, []) == {}
        assert archive.search(writer.branch, ["appl"]).sittings == 3
        child = archive.fork(writer.branch, Fork(3, View(), 0, {}, session_id="child"))
        Writer.of(archive, "child").say("apple")
        assert archive.sittings(child, [1, 3, 4, 5]) == {1: 0, 3: 1, 4: 1}
        assert archive.search(child, ["appl"]).sittings == 2


def a_limit_keeps_the_rarest_terms(backend: Backend) -> None:
    """The newest with the next term fill it up; frequencies stay those of the whole scope."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*("common" for _ in range(50)), "common pin", *("common" for _ in range(50)))
        Writer.of(archive, "another").say(*("common pin" for _ in range(50)))
        pool = archive.search(writer.branch, ["common", "pin"], limit=10)
        assert {document.ref for document in pool.documents} == {"m:51", *(f"m:{n}" for n in range(93, 102))}
        [rare] = [document for document in pool.documents if document.ref == "m:51"]
        assert dict(rare.terms) == {"common": 1, "pin": 1}
        assert dict(pool.frequencies) == {"common": 101, "pin": 1}
        assert (pool.total, pool.mean_length) == (101, 102 / 101)


_GONE = View(2, 5, (Summary(2),))
CHECKS = (
    what_was_said_is_found,
    neighbours_of_a_match_are_found,
    sessions_are_never_mixed,
    a_branch_finds_what_it_sees,
    user_text_is_never_syntax,
    queries_without_a_telling_word_find_nothing,
    what_was_said_at_a_time_is_found,
    sittings_are_told,
    a_limit_keeps_the_rarest_terms,
)


def _scores(archive: Archive, branch: int) -> list[tuple[str, float]]:
    return [(hit.ref, hit.score) for hit in recall(archive, branch, "apple pear cherry pie", 20)]
