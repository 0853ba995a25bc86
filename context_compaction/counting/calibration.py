"""`Calibration`: what providers report, against what we counted of the same prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from context_compaction.counting.curve import Curve
from context_compaction.counting.usage import Usage

LEAST, MOST = 0.5, 2.5
"""Reported tokens that one counted token can stand for; growth beyond has other causes."""
_FIRST = 1.25
"""Until prompts have grown: a first report above this times our count is taken to hold an overhead."""
_FADE = 0.98
"""Weight that earlier growth keeps at each report: the ratio moves over about fifty."""
_SURPRISE, _SLACK = 1.33, 200
"""A report off by this factor and these tokens is believed only when the next one agrees."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of one session's provider. A value: `observe` returns the next one. No clock, no chance.

    It holds the ratio of reported to counted growth, and the curve of reported over counted tokens. After a
    compaction mostly the tail is left, and the curve knows what the tail had cost; an overhead that is in no
    message (tool schemas) stays. A report that belongs to another prompt does no lasting harm: growth outside
    `LEAST`..`MOST` moves no ratio, and a surprising level is not believed until a second report agrees.
    """

    curve: Curve = field(default_factory=Curve)
    counted: float = 0.0
    """Tokens of growth by our count, faded."""
    reported: float = 0.0
    """The same growth as reported."""
    doubted: int = 0
    """1 or -1: the last report was surprisingly high or low, and was left out."""

    @property
    def ratio(self) -> float:
        """Reported tokens a counted token; 1 before any report."""
        return self.reported / self.counted if self.counted else 1.0

    @property
    def overhead(self) -> int:
        """Reported tokens that no counted message explains (system prompt and tools kept outside)."""
        return self.curve.overhead

    def observe(self, raw_tokens: int, usage: Usage) -> Calibration:
        """Learn from one report. ``raw_tokens`` is our count of the prompt that was sent.

        A report of 0 input tokens (some servers send none) changes nothing.
        """
        raw, reported = raw_tokens, usage.input_tokens
        if raw <= 0 or reported <= 0:
            return self
        if not self.curve.points:
            return self._start(raw, reported, min(max(reported / raw, LEAST), _FIRST))
        surprise = self._surprise(raw, reported)
        if surprise and surprise == self.doubted:
            return self._start(raw, reported, self.ratio)
        if surprise:
            return Calibration(self.curve, self.counted, self.reported, surprise)
        return self._follow(raw, reported)

    def estimate(self, raw_tokens: int) -> int:
        """What the provider would report for a prompt that we count at ``raw_tokens``.

        It needs no report of a similar prompt: this is the size after a compaction. Never falls as the count
        rises. Before any report it is ``raw_tokens``.
        """
        if not self.curve.points:
            return raw_tokens
        level = self.curve.level(raw_tokens, self.ratio)
        return ceil(min(max(level, LEAST * raw_tokens), MOST * raw_tokens + self.overhead))

    def anchored(self, last: Usage, raw_new: int) -> int:
        """The next prompt when it is the last one, its answer, and ``raw_new`` counted tokens after it."""
        return last.total_tokens + ceil(self.ratio * raw_new)

    def to_json(self) -> dict[str, Any]:
        """The state as JSON data; `from_json` gives an equal value."""
        return {
            "points": [list(point) for point in self.curve.points],
            "counted": self.counted,
            "reported": self.reported,
            "doubted": self.doubted,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """The value that `to_json` wrote. Raises `ValueError` for anything else."""
        try:
            curve = Curve(tuple((int(raw), int(level)) for raw, level in data["points"]))
            return cls(curve, float(data["counted"]), float(data["reported"]), int(data["doubted"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a calibration's state: {error!r}") from None

    def _start(self, raw: int, reported: int, ratio: float) -> Calibration:
        """Begin again at this level; what the ratio rests on weighs like a thousand tokens."""
        overhead = max(0, round(reported - ratio * raw))
        return Calibration(Curve(((0, overhead), (raw, reported))), 1000.0, 1000.0 * ratio)

    def _surprise(self, raw: int, reported: int) -> int:
        expected = self.estimate(raw)
        if reported > expected * _SURPRISE + _SLACK:
            return 1
        return -1 if reported < expected / _SURPRISE - _SLACK else 0

    def _follow(self, raw: int, reported: int) -> Calibration:
        """The curve goes on to this point; growth that a tokenizer can explain moves the ratio."""
        counted, told = self.counted, self.reported
        last_raw, last_reported = self.curve.points[-1]
        grown, more = raw - last_raw, reported - last_reported
        if grown > 0 and LEAST * grown <= more <= MOST * grown:
            counted, told = _FADE * counted + grown, _FADE * told + more
        return Calibration(self.curve.reach(raw, reported), counted, told)
