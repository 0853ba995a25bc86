"""What each counter makes of text: odd text, long text, messages, and whatever is passed as ``counter=``."""

import statistics
import time

import pytest

from context_compaction.counting import (
    ApproximateCounter,
    CallableCounter,
    TiktokenCounter,
    TokenCounter,
)
from context_compaction.counting.pieces import MAX_RUN, pieces, tidy
from context_compaction.messages import (
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from tests.counting.samples import SAMPLES

LONG = 100_000
RUNS = ["a", " ", "=", "\n", "0", "中", "😀", "!😀", "กำ", "/\n", "_", "é", "\x00", "\ud800"]


@pytest.fixture(scope="module")
def exact() -> TiktokenCounter:
    counter = TiktokenCounter()
    if not counter.exact:
        pytest.skip("tiktoken's table is not here")
    return counter


COUNTERS = [TiktokenCounter(), ApproximateCounter(), CallableCounter(len)]


@pytest.mark.parametrize("counter", COUNTERS, ids=["tiktoken", "approximate", "callable"])
def test_odd_text_is_counted(counter: TokenCounter):
    assert counter.text("") == 0
    for text in ("\ud800", "a\udfffb", "\x00", "<|endoftext|>", "\ud83d\ude00", "\U0010ffff", "\u200b", "ა"):
        assert counter.text(text) > 0
        assert counter.text(text) == counter.text(text)


@pytest.mark.parametrize("counter", COUNTERS, ids=["tiktoken", "approximate", "callable"])
@pytest.mark.parametrize("run", RUNS)
def test_endless_runs_take_linear_time(counter: TokenCounter, run: str):
    counter.text("warm")
    text = run * (LONG // len(run))
    start = time.thread_time()  # of this thread's own work: the machine may have other
    tokens = counter.text(text)
    assert time.thread_time() - start < 2
    assert 100 < tokens <= 3 * LONG


@pytest.mark.parametrize("run", [run for run in RUNS if run != "\ud800"])
def test_no_tokenizer_word_is_long_after_cutting(run: str):
    """Older tiktoken is quadratic inside one word: no piece may hold a long one."""
    text = "head " + run * (LONG // len(run)) + " tail"
    parts = list(pieces(text))
    assert "".join(parts) == text
    assert max(map(len, parts)) <= MAX_RUN + len("head ")


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_usual_text_is_not_cut(text: str):
    whole = "\n".join([text] * 20)
    assert list(pieces(whole)) == [whole]


def test_the_tokenizer_is_handed_no_long_run(monkeypatch: pytest.MonkeyPatch):
    class Table:
        seen: list[int] = []  # noqa: RUF012 - one instance

        def encode_ordinary(self, text: str) -> list[int]:
            self.seen.append(len(text))
            return [0]

    monkeypatch.setattr(TiktokenCounter, "_table", Table())
    assert TiktokenCounter().text("a" * LONG) == len(Table.seen) == -(-LONG // MAX_RUN)
    assert max(Table.seen) <= MAX_RUN


def test_cutting_costs_next_to_nothing(exact: TiktokenCounter):
    from context_compaction.counting.tables import load_encoding

    table = load_encoding("o200k_base")
    assert table is not None
    for run in ("a", "ab", "=", "中", " "):
        text = run * 10_000
        whole = len(table.encode_ordinary(text))
        assert whole <= exact.text(text) <= whole + 2 * len(text) / MAX_RUN


def test_tidy_joins_pairs_and_replaces_what_is_alone():
    assert tidy("\ud83d\ude00") == "😀"
    assert tidy("a\ud800b") == "a\ufffdb"
    assert tidy("grüße 中") == "grüße 中"


def test_special_tokens_are_text(exact: TiktokenCounter):
    assert exact.text("<|endoftext|>") > 1


def test_short_texts_are_remembered(exact: TiktokenCounter):
    counter = TiktokenCounter()
    counted: list[str] = []
    original = counter._count
    from functools import lru_cache

    counter._short = lru_cache(8)(lambda text: counted.append(text) or original(text))
    assert (
        counter.text("[output omitted]") == counter.text("[output omitted]") == exact.text("[output omitted]")
    )
    assert counted == ["[output omitted]"]


def test_messages_are_counted_with_envelopes_but_without_call_ids():
    counter = CallableCounter(len)
    call = ToolCallBlock("a-very-long-id", "read", '{"a":1}')
    assert counter.message(Message("user", (TextBlock("hello"),))) == 4 + 5
    assert counter.message(Message("user", (TextBlock("hello"),), name="ann")) == 4 + 5 + 3 + 1
    assert counter.message(Message("assistant", (ReasoningBlock("hm"), TextBlock("ok"), call))) == (
        4 + 2 + 2 + 16 + len("read") + len('{"a":1}')
    )
    assert counter.message(Message("tool", (ToolResultBlock("a-very-long-id", "done", "read"),))) == 4 + 6 + 4
    assert counter.messages([]) == 3


def test_media_are_never_counted_as_text():
    counter = CallableCounter(len)
    message = Message("user", (TextBlock("look"), MediaBlock("image", data="A" * 400_000)))
    assert counter.message(message) == 4 + 4 + 765


def test_message_counts_by_calls_of_the_callers_price():
    image = Message("user", (MediaBlock("image", url="https://example.org/a.png"),))
    assert TiktokenCounter(media=77).message(image) == ApproximateCounter(media=77).message(image) == 4 + 77


def test_approximate_is_close_on_the_text_it_was_fitted_to(exact: TiktokenCounter):
    """Half within 8 %, each within 40 %: a coefficient that breaks shows here without any data."""
    approximate = ApproximateCounter()
    errors = {name: abs(approximate.text(text) / exact.text(text) - 1) for name, text in SAMPLES.items()}
    assert statistics.median(errors.values()) < 0.08, errors
    assert max(errors.values()) < 0.4, errors


def test_none_is_o200k(exact: TiktokenCounter):
    counter = TokenCounter.of(None)
    assert counter.name == "tiktoken/o200k_base"
    assert counter.exact


def test_a_counter_passes_through():
    counter = ApproximateCounter()
    assert TokenCounter.of(counter) is counter


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("cl100k_base", "cl100k_base"), ("gpt-4", "cl100k_base"), ("gpt-4o-2024-05-13", "o200k_base")],
)
def test_names_of_encodings_and_models(name: str, encoding: str):
    counter = TokenCounter.of(name)
    assert isinstance(counter, TiktokenCounter)
    assert counter.encoding == encoding


def test_a_counters_own_name_chooses_it_again():
    assert TokenCounter.of(ApproximateCounter().name).name == "approximate"
    assert TokenCounter.of(TiktokenCounter().name).name == TiktokenCounter().name


def test_a_function_of_text_counts():
    def words(text: str) -> int:
        return len(text.split())

    counter = TokenCounter.of(words)
    assert counter.text("one two three") == 3
    assert counter.name == "callable/words"


def test_a_function_never_sees_a_lone_surrogate():
    assert TokenCounter.of(lambda text: len(text.encode())).text("a\ud800") == 4


@pytest.mark.parametrize("wrong", [3.5, None, "3", [1]])
def test_a_function_that_gives_no_whole_number_is_told(wrong: object):
    with pytest.raises(TypeError, match=type(wrong).__name__):
        CallableCounter(lambda text: wrong).text("x")  # type: ignore[arg-type,return-value]


def test_a_negative_count_is_told():
    with pytest.raises(ValueError, match="-1"):
        CallableCounter(lambda text: -1).text("x")


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="no-such-model"):
        TokenCounter.of("no-such-model")
    with pytest.raises(TypeError, match="int"):
        TokenCounter.of(7)  # type: ignore[arg-type]


ODD = [
    *SAMPLES.values(),
    "",
    "\ud800",
    "<|endofprompt|>",
    "<|endoftext",
    "x" * 3000,
    "\n",
    " a",
    "a ",
    "中" * 5,
    "'s",
]
CALLING = Message("assistant", (TextBlock("so"), ToolCallBlock("c1", "read", '{"path": "a.py"}')))


@pytest.mark.parametrize("text", ["plain", "said <|endoftext|> in between"])
def test_messages_counted_together_count_as_much_as_alone(exact: TiktokenCounter, text: str):
    said = [CALLING, *(Message("user", (TextBlock(odd),), name="ann") for odd in (*ODD, text) * 3)]
    said += [Message("tool", (ToolResultBlock("c1", odd),)) for odd in ODD]
    assert list(exact.each(said)) == [exact.message(message) for message in said]


def test_many_megabytes_are_counted_in_portions(exact: TiktokenCounter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("context_compaction.counting.together.AT_ONCE", 100)
    said = [Message("user", sample) for sample in (*SAMPLES.values(), "short") * 9]
    assert list(exact.each(said)) == [exact.message(message) for message in said]


def test_a_subclass_that_counts_otherwise_is_asked():
    class Doubled(TiktokenCounter):
        def message(self, message: Message) -> int:
            return 2 * super().message(message)

    class Long(TiktokenCounter):
        def text(self, text: str) -> int:
            return len(text)

    said = [Message("user", f"number {number}") for number in range(50)]
    for counter in (Doubled(), Long()):
        assert list(counter.each(said)) == [counter.message(message) for message in said]


def test_a_tokenizer_that_fails_says_so_where_the_numbers_are_asked_for(
    exact: TiktokenCounter, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object, **__: object) -> list[int]:
        raise MemoryError

    monkeypatch.setattr("tiktoken.Encoding.encode", broken)
    counts = exact.each([Message("user", "hello")] * 50)
    with pytest.raises(MemoryError):
        list(counts)


def test_without_a_thread_they_are_counted_all_the_same(
    exact: TiktokenCounter, monkeypatch: pytest.MonkeyPatch
):
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor.submit", refused)
    said = [Message("user", f"number {number}") for number in range(50)]
    assert list(exact.each(said)) == [exact.message(message) for message in said]
