"""`compare`: one conversation under several policies, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.displayed import Displayed, shown_by
from context_compaction.drafting import DrafterLike
from context_compaction.errors import CannotCompact, InvalidPolicy
from context_compaction.messages import Message, MessageList, quotable
from context_compaction.planner import switched_off
from context_compaction.planner.stateless import read_messages
from context_compaction.policy import PRESETS, Policy
from context_compaction.progress import with_progress
from context_compaction.session import Session, Timeline
from context_compaction.session.report import policy_name
from context_compaction.text.facts import Fact, hard_facts, missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POLICIES = tuple(PRESETS)
"""What is compared when nothing is named: every preset, and the whole log as `off` shows it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How one policy did."""

    policy: str
    requests: int
    """Times that a model would have been asked: before every assistant message."""
    refused: int
    """Of these, the ones whose floor did not fit: `CannotCompact`."""
    tokens_said: int
    """Of all requests together, had each held the whole log."""
    tokens_seen: int
    """Of all requests together, as they were."""
    peak: int
    """Tokens of the largest one."""
    compactions: int
    """That were committed."""
    cacheable: float
    """Share of ``tokens_seen`` that requests begin with as the one before did: what a prompt cache serves."""
    facts: float | None
    """Share of the conversation's hard facts that stand in the last context; None if it has none."""
    fidelity: float | None
    """Mean over the summaries written, None if there was none."""
    ms: float
    """Wall time of all compactions together, in milliseconds."""
    context: MessageList = field(repr=False)
    """What a model would see at the end; empty where that is refused."""
    timeline: Timeline = field(repr=False)

    @property
    def saved(self) -> float:
        """Share of the tokens that need not be sent."""
        return 1 - self.tokens_seen / self.tokens_said if self.tokens_said else 0.0


@dataclass(frozen=True, slots=True)
class Comparison(Displayed):
    """What `compare` found, a row for each policy in the order they were given."""

    rows: tuple[Compared, ...]
    messages: int
    """Of the conversation."""
    max_tokens: int
    """What a context may hold."""
    counter: str
    """Name of what counted."""

    def __getitem__(self, policy: str) -> Compared:
        """The row of a policy by its name."""
        for row in self.rows:
            if row.policy == policy:
                return row
        raise KeyError(policy)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what each policy shows over the conversation, with matplotlib. Returns the axes.

        Raises `MissingPackage` where matplotlib is not installed (extra ``notebook``).
        """
        return shown_by("plots", "plot_comparison")(self, ax)


def compare(
    messages: Sequence[Message | Mapping[str, Any]],
    policies: Sequence[str | Policy] | Mapping[str, Policy] = POLICIES,
    *,
    max_tokens: int,
    drafter: DrafterLike = None,
    counter: TokenCounter | Callable[[str], int] | str | None = None,
) -> Comparison:
    """Replay a conversation under each policy in a session of its own, in memory, and measure.

    Before every assistant message the context is asked for, before every user message the turn is ended,
    as an application does. ``policies``: presets by name, or policies; a mapping names its own.
    ``max_tokens``: what a context may hold. ``drafter``: who writes summaries, as in `Session`.
    Raises `InvalidMessage`, `InvalidBudget`, `InvalidPolicy`.
    """
    said, counting = read_messages(messages), TokenCounter.of(counter)
    budget, tokens = Budget(context_window=max_tokens, reserve_tokens=0), _Sizes(counting)
    # Where nothing is compacted every request over the budget would be warned of.
    boundless = Budget(context_window=max_tokens + 2 * tokens.request(said), reserve_tokens=0)
    facts = {fact.key: fact for fact in _facts_of(said)}
    named = _named(policies)
    rows: list[Compared] = []
    for name, policy in with_progress(named.items(), "comparing policies", unit="policy"):
        room = boundless if switched_off(policy) else budget
        with Session(budget=room, policy=policy, drafter=drafter, counter=counting) as session:
            replay = _replayed(session, said, tokens)
            rows.append(_row(name, session, replay, list(facts.values()), max_tokens))
    return Comparison(tuple(rows), len(said), max_tokens, counting.name)


class _Sizes:
    """Tokens of messages, each counted once."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        # By identity: a session shows the same objects again, and to hash what they say takes longer.
        self._known: dict[int, tuple[Message, int]] = {}

    def one(self, message: Message) -> int:
        """Of one message."""
        known = self._known.get(id(message))
        if known is None:
            known = self._known[id(message)] = (message, self._counter.message(message))
        return known[1]

    def request(self, messages: Sequence[Message]) -> int:
        """Of a request of these messages."""
        return self._counter.messages(()) + sum(map(self.one, messages))


@dataclass(slots=True)
class _Replay:
    """Sums over the requests of one replay."""

    requests: int = 0
    refused: int = 0
    said: int = 0
    seen: int = 0
    repeated: int = 0
    peak: int = 0


def _replayed(session: Session, messages: Sequence[Message], tokens: _Sizes) -> _Replay:
    sums, before, said = _Replay(), MessageList(), tokens.request(())
    for place, message in enumerate(messages):
        if message.role == "user" and place:
            session.after_turn()
        if message.role == "assistant" and place:
            sums.requests += 1
            context = _context(session)
            if context is None:
                sums.refused += 1
            else:
                size = tokens.request(context)
                sums.said += said
                sums.seen += size
                sums.peak = max(sums.peak, size)
                sums.repeated += tokens.request(_beginning(before, context))
                before = context
        session.append(message)
        said += tokens.one(message)
    return sums


def _context(session: Session) -> MessageList | None:
    try:
        return session.context()
    except CannotCompact:
        return None


def _beginning(before: Sequence[Message], now: Sequence[Message]) -> Sequence[Message]:
    """The messages that two requests both begin with."""
    same = 0
    for one, other in zip(before, now, strict=False):
        if one is not other and one != other:
            break
        same += 1
    return now[:same]


def _row(name: str, session: Session, replay: _Replay, facts: Sequence[Fact], max_tokens: int) -> Compared:
    report = session.report()
    committed = report.timeline.compactions
    fidelities = [event.fidelity for event in committed if event.fidelity is not None]
    context = _context(session) or MessageList()
    kept = [quotable(message) for message in context]
    return Compared(
        policy=name,
        requests=replay.requests,
        refused=replay.refused,
        tokens_said=replay.said,
        tokens_seen=replay.seen,
        peak=replay.peak,
        compactions=len(committed),
        cacheable=replay.repeated / replay.seen if replay.seen else 0.0,
        facts=1 - len(missing(facts, kept)) / len(facts) if facts else None,
        fidelity=fmean(fidelities) if fidelities else None,
        ms=sum(event.ms for event in committed),
        context=context,
        timeline=replace(report.timeline, input_tokens=max_tokens),
    )


def _facts_of(messages: Sequence[Message]) -> Iterator[Fact]:
    """The hard facts of a conversation, its system messages aside: those stay in every context."""
    for message in messages:
        if not message.is_system:
            yield from hard_facts(quotable(message), role=message.role)


def _named(policies: Sequence[str | Policy] | Mapping[str, Policy]) -> dict[str, Policy]:
    """Policies by name; a second one of the same name gets a number."""
    if isinstance(policies, Mapping):
        return dict(policies)
    named: dict[str, Policy] = {}
    for given in [policies] if isinstance(policies, (str, Policy)) else policies:
        policy = Policy.named(given) if isinstance(given, str) else given
        name = given if isinstance(given, str) else policy_name(policy)
        same = sum(known == name or known.startswith(f"{name} (") for known in named)
        named[f"{name} ({same + 1})" if same else name] = policy
    if not named:
        raise InvalidPolicy("there is no policy to compare; name some, as in compare(messages, ['layered'])")
    return named
