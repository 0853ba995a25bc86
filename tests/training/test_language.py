"""The made-up language: the same for the same seed, and its answers are what a reader would find."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from random import Random

import pytest

from context_compaction import Message
from context_compaction.drafting import DraftRequest
from context_compaction.schema import SECTIONS, parse_sections
from context_compaction.strategies.passages import passage_of
from context_compaction.text.intent import is_decision, is_failure, is_fix, is_open, is_request, is_rule
from tests.drafting.samples import records
from training.tiny import words
from training.tiny.language import Example, Talk, distill_example, summary_example
from training.tiny.marked import SAID_BY, Minutes
from training.tiny.workshop import openai_messages, workshop

MARKS = {
    "goal": "Rule",
    "state": "Status",
    "decisions": "Decision",
    "artifacts": "Change",
    "errors": "Error",
    "open": "Todo",
    "timeline": "Event",
}
"""How a fact of each section begins, before its number, written down a second time."""


def found_in(text: str, section: str) -> list[str]:
    """The sentences of a text that begin as facts of a section do."""
    return re.findall(
        rf"(?:(?<=^ )|(?<=[.?] )|(?<=^- ))((?:{MARKS[section]}).*?[.?])(?=\s|$)", text, re.MULTILINE
    )


def read(request: DraftRequest) -> dict[str, list[str]]:
    """What stands in the transcript of the prompt, section by section."""
    user = request.section_prompts().user
    transcript = user[user.index("<transcript>") : user.index("</transcript>")]
    return {section.key: found_in(transcript, section.key) for section in SECTIONS}


def lines(example: Example, section: str) -> list[str]:
    return example.answers.get(section, "").splitlines()


@pytest.mark.parametrize("seed", range(60))
def test_an_answer_has_every_marked_fact_of_the_transcript_in_order_and_nothing_else(seed: int):
    example = summary_example(Random(seed), 4 + seed % 20)
    for section, sentences in read(example.request).items():
        assert lines(example, section) == [f"- {sentence}" for sentence in sentences]


def test_goals_are_the_users_and_failures_a_tools():
    rng = Random(1)
    for _ in range(40):
        for passage in summary_example(rng, 12).request.passages:
            if passage.role != "user":
                assert not found_in(passage.text, "goal")
            assert passage.is_error == (passage.role == "tool" and bool(found_in(passage.text, "errors")))


@pytest.mark.parametrize("seed", range(60))
def test_of_several_summaries_each_line_once_and_the_later_value_holds(seed: int):
    example = distill_example(Random(seed), 2 + seed % 4)
    for section, sentences in read(example.request).items():
        held: dict[str, str] = {}
        for sentence in sentences:
            held[sentence[: sentence.index(":")]] = sentence
        assert lines(example, section) == [f"- {sentence}" for sentence in held.values()]


def test_some_of_the_summaries_repeat_and_contradict_each_other():
    rng = Random(2)
    told = [distill_example(rng, 4) for _ in range(30)]
    said = [sentence for example in told for found in read(example.request).values() for sentence in found]
    kept = [line for example in told for answer in example.answers.values() for line in answer.splitlines()]
    assert len(said) > len(kept) > len(said) / 2


def test_the_same_seed_says_the_same():
    assert summary_example(Random(7), 15) == summary_example(Random(7), 15)
    assert distill_example(Random(7), 3) == distill_example(Random(7), 3)
    assert summary_example(Random(7), 15) != summary_example(Random(8), 15)


def test_the_package_takes_a_marked_fact_for_what_it_is():
    rng = Random(3)
    tells = {
        "goal": lambda text: is_rule(text) or is_request(text),
        "decisions": is_decision,
        "errors": lambda text: is_failure(text) or is_fix(text),
        "open": is_open,
    }
    minutes = Minutes(rng)
    for role in SAID_BY:
        for _ in range(200):
            told = minutes.fact(role, rng.choice(words.TOPICS))
            assert tells.get(told.section, bool)(told.text), told
            if told.section != "goal":
                assert not is_rule(told.text)


def test_small_talk_is_no_rule_no_request_and_no_decision():
    rng = Random(4)
    for form in (*words.SMALL_TALK, *words.ALMOST):
        text = words.filled(rng, form, *rng.sample(words.TOPICS, 2))
        assert not any(test(text) for test in (is_rule, is_request, is_decision)), text
        assert not any(found_in(text, section) for section in MARKS), text


def test_a_range_is_quoted_as_the_package_quotes_the_same_messages():
    said = Talk(Random(5), rate=0.5).messages(30)
    messages = [Message.from_openai(each) for each in openai_messages(said)]
    passages = [passage_of(record) for record in records(messages)]
    assert [(each.role, each.text, each.name, each.is_error) for each in passages] == [
        (each.role, each.quoted, each.name, each.is_error) for each in said
    ]


def test_the_workshop_that_ships_is_the_one_that_the_language_makes():
    shipped = json.loads((files("context_compaction.demo") / "data" / "workshop.json").read_text("utf-8"))
    assert shipped == workshop()
    assert 150 <= len(shipped["messages"]) <= 200
    assert 3 <= len(shipped["questions"]) <= 5
    for question in shipped["questions"]:
        (at,) = question["evidence"]
        assert question["answer"] in shipped["messages"][at]["content"]


def test_summaries_to_be_distilled_have_the_form_of_ours():
    for passage in distill_example(Random(6), 3).request.passages:
        assert passage.role == "summary"
        for key, body in parse_sections(passage.text).items():
            assert all(found_in(line, key) for line in body.splitlines())
