"""Recall on real dialogues, and scores that know their own scope only."""

from pathlib import Path

import pytest

from benchmarks._questions import RANKS, Question, ours, stored, turns
from context_compaction.archive import Archive, SQLiteArchive, open_archive
from context_compaction.recall import Weights, recall
from context_compaction.testing.archive_rows import Writer

AT_10 = RANKS.index(10)
ALONE = Weights(neighbours=0.0)


def test_locomo_evidence_is_found(data_dir: Path, capsys: pytest.CaptureFixture[str]):
    paths = sorted((data_dir / "locomo").glob("*.json"))
    if not paths:
        pytest.skip("no locomo dialogues there")
    with open_archive() as archive:
        questions = [question for path in paths for question in stored(archive, path)][::3]
        alone, near = (turns(ours(archive, one), questions)[AT_10] for one in (ALONE, Weights()))
    with capsys.disabled():
        print(f"\nlocomo recall@10: {alone:.3f} alone, {near:.3f} with neighbours")
    assert near >= 0.77  # a third of the questions; all of them give .80, and .72 alone
    assert near - alone >= 0.08


@pytest.mark.slow
def test_another_namespace_of_100k_moves_nothing(data_dir: Path, tmp_path: Path):
    """Neither hits nor scores, nor their order."""
    with SQLiteArchive(tmp_path / "archive.db") as archive:
        questions = stored(archive, data_dir / "locomo" / "conv-30.json")
        before = answers(archive, questions)
        writer = Writer.of(archive, "conv-30", namespace="another")
        for start in range(0, 100_000, 10_000):
            writer.say(*(f"Jon and Gina dance studio {n}" for n in range(start, start + 10_000)))
        assert answers(archive, questions) == before


def answers(archive: Archive, questions: list[Question]) -> list[list[tuple[str, float]]]:
    return [
        [(hit.ref, hit.score) for hit in recall(archive, question.asked_of.branch, question.text, 20)]
        for question in questions
    ]


def test_a_stored_question_does_not_find_itself() -> None:
    """With ``before`` it is as if it had not been said: it lends no words to what stands beside it."""
    talk = [f"boat {number} sails" for number in range(30)]
    question = "Was the harbour master, in May 2023, the last one?"
    with open_archive() as archive:
        without, stored = Writer.of(archive, "without"), Writer.of(archive, "stored")
        without.say("The harbour master was Petersen in May", *talk, "the last boat")
        stored.say(
            "The harbour master was Petersen in May",
            *talk,
            "the last boat",
            question,
            "the last word of the harbour",
        )
        expected = recall(archive, without.branch, question)
        assert {"m:1", "m:32"} < {hit.ref for hit in expected}
        found = recall(archive, stored.branch, question, before=33)
        assert [hit.ref for hit in found] == [hit.ref for hit in expected]
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], rel=1e-9)
        assert recall(archive, stored.branch, question)[0].ref == "m:33"
