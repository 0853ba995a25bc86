"""Why a hit is one, as values and in words."""

from __future__ import annotations

from context_compaction.archive import open_archive
from context_compaction.messages import Message, TextBlock
from context_compaction.recall import Reason, SearchHit, recall
from context_compaction.testing.archive_rows import Writer, commit, summary


def said(text: str, name: str | None = None, day: int = 16, hour: int = 9) -> Message:
    return Message("user", (TextBlock(text),), name=name, timestamp=f"2023-06-{day:02}T{hour:02}:00:00Z")


def found(query: str) -> dict[str, SearchHit]:
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.append(
            said("The crane was mended.", "Ann"),
            said("By whom?", "Bob"),
            said("Old Petersen did it.", "Ann"),
            said("Fine.", "Bob"),
            said("And the berth?", "Bob"),
            said("It is free.", "Ann", day=18),
        )
        archive.commit(writer.branch, commit(0, summary(1, "The ferry is blue.", ranges=((4, 5),)), at_seq=6))
        return {hit.ref: hit for hit in recall(archive, writer.branch, query)}


def test_words_and_what_stands_beside_and_around():
    hits = found("crane by Petersen at the berth")
    assert hits["m:1"].reasons == (
        Reason("word", "crane"),
        Reason("neighbour", "Petersen", "m:3"),
        Reason("sitting", "berth"),
    )
    assert (
        hits["m:1"].because == "holds crane; beside messages with Petersen; said around messages with berth"
    )
    assert hits["m:1"].why == ("crane",)
    assert hits["m:2"].reasons == (
        Reason("neighbour", "Petersen", "m:3"),
        Reason("neighbour", "crane", "m:1"),
        Reason("sitting", "berth"),
    )


def test_a_phrase_a_time_and_a_speaker():
    hits = found('What did Ann say of "crane was mended" on 16 June 2023?')
    kinds = {reason.kind: reason.text for reason in hits["m:1"].reasons}
    assert kinds["phrase"] == "crane was mended"
    assert kinds["period"] == "16 June 2023"
    assert kinds["speaker"] == "Ann"
    assert "speaker" not in {reason.kind for reason in hits["m:2"].reasons}
    assert "period" not in {
        reason.kind for hit in hits.values() for reason in hit.reasons if hit.ref == "m:6"
    }
    assert "holds the phrase crane was mended; holds " in hits["m:1"].because
    assert hits["m:1"].because.endswith("dated 16 June 2023; said by Ann")


def test_a_summary_has_its_words_only():
    hits = found("ferry and crane")
    assert hits["s:1"].reasons == (Reason("word", "ferry"),)
    assert all(hit.reasons for hit in hits.values())


def test_what_a_message_holds_itself_is_no_reason_of_its_neighbours():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("crane and berth", "crane", "crane berth")
        hits = {hit.ref: hit.reasons for hit in recall(archive, writer.branch, "crane berth")}
        assert {reason.kind for reason in (*hits["m:1"], *hits["m:3"])} == {"word"}
        assert hits["m:2"] == (Reason("word", "crane"), Reason("neighbour", "berth", "m:3"))
