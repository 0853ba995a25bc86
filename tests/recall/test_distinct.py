"""Of a summary and what it stands for, one is among the hits."""

from __future__ import annotations

import pytest

from context_compaction.archive import open_archive
from context_compaction.recall import recall
from context_compaction.recall.distinct import distinct
from context_compaction.recall.ranking import Ranked
from context_compaction.testing.archive_rows import Writer, commit, summary
from context_compaction.view import SummaryRecord

LEAF = summary(1, ranges=((3, 4), (8, 9)))
TOP = summary(2, generation=1, ranges=((1, 20),), sources=(1,))
RECORDS: dict[int, SummaryRecord] = {1: LEAF, 2: TOP}


def message(seq: int, score: float) -> Ranked:
    return Ranked(seq, 0, seq, score)


def of(number: int, score: float) -> Ranked:
    return Ranked(0, number, RECORDS[number].ranges[0][0], score)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([message(3, 5), message(4, 4)], "m3 m4"),
        ([of(1, 9), message(3, 5)], "m3"),
        ([of(1, 11), message(3, 5), message(9, 1)], "s1"),
        ([of(1, 11), message(5, 5)], "s1 m5"),
        ([message(8, 6), of(1, 5), message(3, 1)], "m8 m3"),
        ([of(2, 9), of(1, 5), message(20, 1)], "s1 m20"),
        ([of(2, 30), of(1, 10), message(3, 4), message(30, 1)], "s2 m30"),
    ],
)
def test_the_finer_one_stays_unless_the_other_is_twice_as_good(found: list[Ranked], left: str):
    """With each generation twice; the order of what stays is that of the scores."""
    kept = distinct(found, RECORDS)
    assert " ".join(f"s{one.summary}" if one.summary else f"m{one.seq}" for one in kept) == left


def test_a_recall_that_is_to_be_unique_never_gives_both():
    with open_archive() as archive:
        writer = Writer.of(archive)
        writer.say("the crane", "was mended", "by Petersen", "they say")
        archive.commit(
            writer.branch,
            commit(0, summary(1, "Petersen mended the crane, it is said.", ranges=((1, 3),)), at_seq=4),
        )
        for query in ("crane", "Petersen crane mended", "who says so?", "mended by Petersen"):
            for k in (1, 2, 8):
                hits = recall(archive, writer.branch, query, k, unique=True)
                under = {"m:1", "m:2", "m:3"} & {hit.ref for hit in hits}
                assert not (under and "s:1" in {hit.ref for hit in hits})
        assert {"m:1", "s:1"} <= {hit.ref for hit in recall(archive, writer.branch, "crane")}
