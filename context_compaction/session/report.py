"""`SessionReport`: a session as a person reads it, a value of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from context_compaction.archive import MessageSize
from context_compaction.displayed import Displayed
from context_compaction.events import CompactionEvent
from context_compaction.policy import Policy
from context_compaction.policy.sizes import in_tokens
from context_compaction.session.stats import SessionStats
from context_compaction.session.timeline import Timeline
from context_compaction.view import Edited, Kept, Pin, Summary, SummaryRecord, View

Fate = Literal["kept", "edited", "summarised", "archived", "pruned"]
"""Where a message is now: in the view as it was said, or edited; behind a summary of the view; only in the
archive; nowhere, since the owner pruned it (a summary may still stand for it)."""
FATES: tuple[Fate, ...] = get_args(Fate)


@dataclass(frozen=True, slots=True)
class SessionReport(Displayed):
    """What `Session.report` found. Made from what is stored, nothing is compacted for it."""

    session_id: str
    namespace: str
    policy: str
    """Name of the rule, or ``pre/post`` where the sides differ."""
    stats: SessionStats
    timeline: Timeline = field(repr=False)
    sizes: tuple[int, ...] = field(repr=False)
    """Tokens of each message of the log, as counted at append."""
    fates: tuple[Fate, ...] = field(repr=False)
    """What became of each message of the log."""
    events: tuple[CompactionEvent, ...] = field(repr=False)
    """Every attempt, oldest first."""
    summaries: Mapping[int, SummaryRecord] = field(repr=False)
    """Every summary ever committed, by id: the ones of the view and all that they were made from."""
    shown: tuple[int, ...]
    """Ids of the summaries in the view."""
    pins: tuple[Pin, ...]


def fates_of(
    sizes: Sequence[MessageSize],
    view: View,
    summaries: Mapping[int, SummaryRecord],
    superseded: Iterable[int] = (),
) -> tuple[Fate, ...]:
    """What became of each message; ``superseded`` system messages are in the archive alone."""
    fates: list[Fate] = ["archived" if seq <= view.head_end else "kept" for seq in range(1, len(sizes) + 1)]

    def put(seqs: Iterable[int], fate: Fate) -> None:
        for seq in seqs:
            if seq <= len(fates):
                fates[seq - 1] = fate

    for entry in view.head:
        if isinstance(entry, (Kept, Edited)):
            put([entry.seq], "edited" if isinstance(entry, Edited) else "kept")
        elif isinstance(entry, Summary) and entry.id in summaries:
            put(summaries[entry.id].seqs, "summarised")
    put(superseded, "archived")
    put((seq for seq, size in enumerate(sizes, 1) if size.pruned), "pruned")
    return tuple(fates)


def policy_name(policy: Policy) -> str:
    """What a policy is called: its rules' names, once if they are the same."""
    sides = [rule.name if rule is not None else "none" for rule in (policy.pre_turn, policy.post_turn)]
    return "/".join(dict.fromkeys(sides))


def first_trigger(policy: Policy, input_tokens: int) -> int | None:
    """The lowest trigger of the policy's rules in tokens; None if none is in tokens, or it is off."""
    rules = [rule for rule in (policy.pre_turn, policy.post_turn) if rule is not None and rule.enabled]
    found = [in_tokens(size, input_tokens) for rule in rules for size in rule.trigger]
    return min((tokens for tokens in found if tokens is not None), default=None)
