"""Values that JSON cannot say, as JSON data and back."""

from __future__ import annotations

import enum
import json
import logging

import pytest

from context_compaction import PlainCodec


class Colour(str, enum.Enum):  # noqa: UP042 - what frameworks have
    RED = "red"


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


MONEY = PlainCodec({Money: (lambda money: money.cents, Money)})


def test_an_enum_of_texts_is_its_value() -> None:
    """Not its name: that is what ``str`` gives for it."""
    assert PlainCodec().write({"c": Colour.RED}) == {"c": "red"}


def test_a_class_that_was_named_comes_back_as_one() -> None:
    data = json.loads(json.dumps(MONEY.write([Money(5), (Money(7),)])))
    first, (second,) = MONEY.read(data)
    assert (first.cents, second.cents) == (5, 7)


def test_any_other_class_is_told_and_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    codec = PlainCodec(fields=vars)
    with caplog.at_level(logging.WARNING):
        assert codec.read(codec.write(Money(5))) == {"cents": 5}
    assert "Money" in caplog.text


def test_a_tag_that_is_not_known_makes_nothing() -> None:
    with pytest.raises(ValueError, match="'Money' is no kind"):
        PlainCodec().read(MONEY.write(Money(5)))
