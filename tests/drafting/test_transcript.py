from context_compaction.drafting.transcript import header_of, passage_tokens
from context_compaction.messages import (
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.strategies import passage_of
from context_compaction.text.clipping import MAX_OUTPUT
from tests.drafting.samples import COUNTER, records


def passages(*messages, references=True):
    return [passage_of(record, references=references) for record in records(messages)]


def test_words_calls_and_results_with_names_dates_and_references():
    asked, answered = passages(
        Message(
            "assistant",
            (
                ReasoningBlock("secret"),
                TextBlock("<think>hidden</think>Let me look."),
                ToolCallBlock("c", "ls", '{"p":1}'),
            ),
            timestamp="1:56 pm on 8 May, 2023",
        ),
        Message("tool", (ToolResultBlock("c", "a.py", name="ls", is_error=True),)),
    )
    assert (asked.ref, asked.role, asked.text) == ("m:1", "assistant", 'Let me look.\nls({"p":1})')
    assert asked.date == "2023-05-08 13:56"
    assert (answered.ref, answered.role, answered.name, answered.text) == ("m:2", "tool", "ls", "a.py")
    assert answered.is_error
    assert header_of(asked) == "m:1 | assistant | 2023-05-08 13:56"
    assert header_of(answered) == "m:2 | tool ls | error"


def test_without_an_archive_there_is_no_reference():
    assert passages(Message("user", "hello", name="Ann"), references=False)[0].ref == ""


def test_what_a_user_writes_about_thinking_stays():
    text = "what does <think>this</think> do?"
    assert passages(Message("user", text))[0].text == text


def test_long_output_shows_head_tail_and_size():
    text = "START" + "x\n" * 5000 + "END"
    shown = passages(Message("tool", (ToolResultBlock("c", text),)))[0].text
    assert shown.startswith("START")
    assert shown.endswith("END")
    assert len(shown) < MAX_OUTPUT + 100
    assert (
        f"{len(text) - MAX_OUTPUT + 1} characters" in shown or f"{len(text) - MAX_OUTPUT} characters" in shown
    )


def test_media_are_named_not_quoted():
    blocks = (MediaBlock("image", data="QUJD" * 100), MediaBlock("file", url="https://x.org/a.pdf"))
    assert passages(Message("user", blocks))[0].text == "[image]\n[file: https://x.org/a.pdf]"


def test_tokens_count_text_and_header():
    short, long = passages(Message("user", "word"), Message("user", "word " * 100, name="Ann"))
    assert COUNTER.text(short.text) < passage_tokens(short, COUNTER) < passage_tokens(long, COUNTER)
