"""The benchmark of quality after compaction: what is counted, and that everybody keeps to the same budget."""

import json
from pathlib import Path

import pytest

from benchmarks import Skipped, quality
from benchmarks._evidence import Asked, read
from benchmarks._keepers import HEAD, Told, head_and_tail, keepers, trimmed, written
from context_compaction import Message, TokenCounter

PLACE = 22
QUESTION = "Where is Pegasus, the bicycle?"


def _talk(number: int) -> dict[str, str]:
    role = "assistant" if number % 2 else "user"
    return {
        "role": role,
        "content": f"Of berth {number}: it is {'free ' * (number % 7 + 40)}from {number} on.",
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One conversation in which one message answers one of two questions, the other has no answer."""
    folder = tmp_path_factory.mktemp("data") / "locomo"
    folder.mkdir()
    said = list(map(_talk, range(160)))
    said.insert(PLACE, {"role": "user", "content": "Pegasus, my bicycle, stands in Lisbon."})
    asked = {"question": QUESTION, "answer": "in Lisbon", "category": 1, "evidence": [PLACE]}
    wrong = {**asked, "question": "Where is Ann's bicycle?", "category": 5}
    whole = {"messages": said, "questions": [asked, wrong]}
    (folder / "conv-1.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder.parent


@pytest.fixture(scope="module")
def told(data: Path) -> Told:
    said, questions = read(data / "locomo" / "conv-1.json")
    return Told.of(said, questions, TokenCounter.of("approximate"))


@pytest.mark.filterwarnings("ignore:.*is being sunset:DeprecationWarning")
def test_with_recall_every_preset_shows_the_evidence(data: Path):
    table = quality.run(data)
    columns = list(table.columns)
    first = columns.index("evidence 5%")
    assert {row[0] for row in table.rows} == {"locomo, kept aside"}
    assert {row[1] for row in table.rows} == {"2 (of 1)"}
    ours = [row for row in table.rows if str(row[3]).startswith("ours")]
    assert len(ours) == 2 * len(quality.PRESETS)
    for row in ours:
        shares = {*row[first : first + 6]}
        if row[2] == "with":
            assert shares == {"1.000"}
        elif row[3] in ("ours, masking", "ours, truncating"):  # no summary that may tell of it
            assert shares == {"0.000"}
    assert {str(row[3]) for row in table.rows} >= keepers().keys()
    (contest,) = table.contests
    assert {contest.ours, *contest.theirs} <= {str(row[3]) for row in table.rows}
    assert set(contest.more) == set(columns[first : first + 6])


def test_without_conversations_it_is_skipped(tmp_path: Path):
    for folder in (None, tmp_path):
        with pytest.raises(Skipped):
            quality.run(folder)


@pytest.mark.parametrize("name", keepers())
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_nobody_has_more_than_the_budget(told: Told, name: str, share: float):
    limit = int(share * sum(told.tokens))
    texts = keepers()[name](told, limit).texts
    assert limit / 4 < sum(map(told.size, texts)) <= limit
    assert texts[-1] == told.said[-1].text


def test_the_newest_messages_and_the_first_ones(told: Told):
    limit = sum(told.tokens) // 4
    texts = [message.text for message in told.said]
    newest = trimmed(told, limit).texts
    assert texts[-len(newest) :] == newest
    both = head_and_tail(told, limit).texts
    assert both[0] == texts[0]
    head = next(place for place, text in enumerate(both) if text != texts[place])
    assert sum(told.tokens[:head]) <= HEAD * limit
    assert texts[len(texts) - len(both) + head :] == both[head:]


@pytest.mark.parametrize("name", ["SummarizationMiddleware", "ChatSummaryMemoryBuffer"])
def test_summaries_of_others_are_written_by_our_drafter(
    told: Told, name: str, monkeypatch: pytest.MonkeyPatch
):
    asked: list[list[tuple[str, str]]] = []

    def noting(past: list[tuple[str, str]], *options: object) -> str:
        asked.append(past)
        return written(past, *options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr("benchmarks._keepers.written", noting)
    kept = keepers()[name](told, sum(told.tokens) // 4)
    assert kept.rewrites == len(asked) > 1
    (_, first), *_ = asked[0]
    assert first == told.said[0].text.strip()
    assert asked[1][0][0] == "summary"  # the one before is summed up as what it is
    last = written(asked[-1], int(0.15 * (sum(told.tokens) // 4)), told.counter)
    assert last.strip() in kept.texts[0]


def test_the_room_is_filled_with_what_is_not_shown_and_fits():
    said = [Message("user", text) for text in ("one", "two " * 50, "three", "four")]
    told = Told.of(said, [Asked("which?", "", [(1, "one")])], TokenCounter.of("approximate"))
    room = sum(told.tokens) - told.tokens[1]
    assert quality.filling(told, ["four"], [4, 2, 3, 1], room) == ["three", "one"]
    assert quality.filling(told, [], [3, 1], told.tokens[2]) == ["three"]


def test_an_answer_counts_by_the_words_that_the_question_does_not_say():
    asked = Asked("where is the boat?", "The boat lies in Lisbon, by the quay.", [(1, "boat Lisbon quay")])
    score = quality.Score()
    score.count(asked, quality.Seen(["in Lisbon", "no boat"], 10, 3), 40)
    assert (score.answers, score.evidence, score.filled) == ([0.5], [0], [0.25])
    score.count(asked, quality.Seen(["a boat Lisbon quay"], 40, 3), 40)
    assert (score.answers, score.evidence) == ([0.5, 1], [0, 1])
    score.count(Asked("?", "Lisbon", [(1, "Lisbon")], answerable=False), quality.Seen([], 0, 0), 1)
    assert len(score.answers) == 2
