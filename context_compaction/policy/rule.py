"""`Rule` for one side of a turn, `Policy` for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from context_compaction.errors import InvalidPolicy
from context_compaction.events import Level
from context_compaction.policy.instructions import StandingInstructions
from context_compaction.policy.ladder import Ladder
from context_compaction.policy.sizes import Size, SizeLike, as_size, as_triggers, exceeds, in_tokens


@dataclass(frozen=True, slots=True, init=False)
class Rule:
    """When to compact, how far, what to keep, and by which ladder. Fractions are of the input tokens."""

    name: str
    trigger: tuple[Size, ...]
    """Over any of these: SOFT."""
    target: Size
    """Come down to this. In another unit than the trigger (messages against tokens), or not below it:
    let go all but ``keep``."""
    keep: Size
    """The newest part of the view that SOFT never touches, whole groups."""
    min_reclaim: Size
    """A SOFT compaction that frees less is not committed."""
    ladder: Ladder
    enabled: bool
    """False for `off`: the whole log is shown, whatever its size."""

    def __init__(
        self,
        ladder: Ladder,
        *,
        trigger: SizeLike | list[SizeLike] = 0.85,
        target: SizeLike = 0.5,
        keep: SizeLike = 0.25,
        min_reclaim: SizeLike = 0.05,
        name: str = "custom",
        enabled: bool = True,
    ) -> None:
        values = {
            "name": name,
            "trigger": as_triggers(trigger),
            "target": as_size(target, "target"),
            "keep": as_size(keep, "keep"),
            "min_reclaim": as_size(min_reclaim, "min_reclaim"),
            "ladder": ladder,
            "enabled": enabled,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    def with_trigger(self, trigger: SizeLike, min_reclaim: SizeLike | None = None) -> Rule:
        """The same rule with another trigger, and what a compaction must free then (None: as before)."""
        return Rule(
            self.ladder,
            trigger=trigger,
            target=self.target,
            keep=self.keep,
            min_reclaim=self.min_reclaim if min_reclaim is None else min_reclaim,
            name=self.name,
            enabled=self.enabled,
        )

    def fires(self, tokens: int, messages: int, input_tokens: int) -> bool:
        """Whether a view of this size is over the trigger."""
        return any(exceeds(size, tokens, messages, input_tokens) for size in self.trigger)

    def level(self, tokens: int, messages: int, input_tokens: int) -> Level:
        """HARD over the input, SOFT over the trigger, else NONE."""
        if tokens > input_tokens:
            return "hard"
        return "soft" if self.fires(tokens, messages, input_tokens) else "none"

    def goal(self, input_tokens: int) -> int:
        """Target in tokens; 0 stands for all but what is kept."""
        target = in_tokens(self.target, input_tokens)
        triggers = [in_tokens(size, input_tokens) for size in self.trigger]
        limits = [limit for limit in triggers if limit is not None]
        if target is None or not limits or target >= min(limits):
            return 0
        return target

    def kept(self) -> tuple[Size, ...]:
        """What stays untouched on SOFT: ``keep``, and a target that is a number of messages."""
        return (self.keep, self.target) if self.target[0] == "messages" else (self.keep,)


RECALL_SHARE: Size = ("fraction", 0.5)
"""What `Policy.layered` recalls with."""
MOST_RECALLED = 8192
"""Tokens that a fraction of the input comes to at most: in a large window every turn would pay for it."""
BARE_RULE = Rule(Ladder(), trigger=1.0, name="none")
"""What stands in for ``pre_turn=None``: nothing on SOFT, truncation and clamping on HARD."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule before each turn and one after it; either may be None.

    ``Policy(pre_turn=anchored(.85), post_turn=extractive(.75))`` reads as it works.
    """

    pre_turn: Rule | None = None
    post_turn: Rule | None = None
    recall_share: SizeLike | None = field(default=None, kw_only=True)
    """The most of the input that auto-recall may use, ``("tokens", n)`` or ``("fraction", f)``, 8,192 tokens
    at most; None: off."""
    instructions: StandingInstructions | None = field(default=StandingInstructions(), kw_only=True)
    """How standing instructions pin themselves; None: they do not."""

    def __post_init__(self) -> None:
        for side in (self.pre_turn, self.post_turn):
            if side is not None and not isinstance(side, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidPolicy(f"{side!r} is no rule; use layered(), masking(), ... or Rule(...)")
        if not isinstance(self.instructions, StandingInstructions | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidPolicy(
                f"instructions is {self.instructions!r}; use StandingInstructions(...) or None"
            )
        if self.recall_share is not None:
            object.__setattr__(self, "recall_share", _share_of(self.recall_share))

    def recall_room(self, input_tokens: int) -> int:
        """Tokens that auto-recall may use at the most; 0 when it is off."""
        if self.recall_share is None:
            return 0
        share = _share_of(self.recall_share)
        room = in_tokens(share, input_tokens) or 0
        return min(room, MOST_RECALLED) if share[0] == "fraction" else room

    @property
    def enabled(self) -> bool:
        """False when a side is `off`: nothing is compacted then."""
        return all(side.enabled for side in (self.pre_turn, self.post_turn) if side is not None)

    @classmethod
    def both(cls, rule: Rule) -> Policy:
        """One rule on both sides."""
        return cls(pre_turn=rule, post_turn=rule)

    @classmethod
    def named(cls, name: str, **options: Any) -> Policy:
        """The preset of this name on both sides. Raises `InvalidPolicy` for an unknown one.

        ``layered`` recalls by itself (`recall_share`); the others do if it is given.
        """
        from context_compaction.policy.presets import PRESETS

        if name not in PRESETS:
            raise InvalidPolicy(f"no preset {name!r}; there are {', '.join(PRESETS)}")
        share = options.pop("recall_share", RECALL_SHARE if name == "layered" else None)
        told = options.pop("instructions", StandingInstructions())
        rule = PRESETS[name](**options)
        return cls(pre_turn=rule, post_turn=rule, recall_share=share, instructions=told)

    @classmethod
    def layered(cls, **options: Any) -> Policy:
        """All rungs, cheapest first: the default. Options as in `policy.layered`."""
        return cls.named("layered", **options)

    @classmethod
    def masking(cls, **options: Any) -> Policy:
        """Edits on the CPU only: reasoning, repeated and old tool output."""
        return cls.named("masking", **options)

    @classmethod
    def truncating(cls, **options: Any) -> Policy:
        """Lets the oldest groups go."""
        return cls.named("truncating", **options)

    @classmethod
    def extractive(cls, **options: Any) -> Policy:
        """Keeps the best whole messages, word for word."""
        return cls.named("extractive", **options)

    @classmethod
    def anchored(cls, **options: Any) -> Policy:
        """One running summary over everything but a long tail."""
        return cls.named("anchored", **options)

    @classmethod
    def off(cls) -> Policy:
        """Compacts nothing."""
        return cls.named("off")


def _share_of(value: SizeLike) -> Size:
    size = as_size(value, "recall_share")
    if size[0] == "messages":
        raise InvalidPolicy(f"recall_share is {value!r}; give a fraction of the input or a number of tokens")
    return size
