"""Looking at a session: its view, its numbers, its course, and how a notebook shows all that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from context_compaction.budget import Budget
from context_compaction.displayed import Displayed, shown_by
from context_compaction.events import CompactionEvent
from context_compaction.policy import Policy
from context_compaction.session.looking import Looking
from context_compaction.session.report import SessionReport, fates_of, first_trigger, policy_name
from context_compaction.session.stats import SessionStats
from context_compaction.session.timeline import Timeline, points_of
from context_compaction.view import SummaryRecord, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Reporting(Looking, Displayed):
    """The part of a `Session` that tells how it stands."""

    def __repr__(self) -> str:
        """For a prompt or a log: by what is in memory, so that it can be had of a closed one too."""
        said, settings = self._state.live.last_seq, self._state.settings
        return f"<Session {settings.session_id!r} in {settings.namespace!r}: {said} messages said>"

    @property
    def budget(self) -> Budget:
        """The room for one request."""
        return self._state.settings.budget

    @property
    def policy(self) -> Policy:
        """The rules that it keeps to."""
        return self._state.settings.policy

    @property
    def view(self) -> View:
        """The present view."""
        return self._state.live.view

    @property
    def events(self) -> list[CompactionEvent]:
        """Every attempted compaction of this session, oldest first."""
        return self._archive.events(self._current())

    @property
    def stats(self) -> SessionStats:
        """The session in numbers."""
        state, committed = self._state, [event for event in self.events if event.committed]
        messages, tokens = self._archive.totals(self._current())
        budget = state.settings.budget
        return SessionStats(
            messages_said=messages,
            tokens_said=tokens,
            messages_seen=len(state.live.renderer.messages),
            tokens_seen=state.scaled(state.live.renderer.tokens, budget.overhead_tokens),
            input_tokens=budget.input_tokens,
            tokens_saved=sum(event.tokens_saved for event in committed),
            compactions=len(committed),
            summaries=len(state.live.view.summaries),
            version=state.live.view.version,
            counter=state.settings.counter.name,
            **self._core.embedded(),
        )

    @property
    def summaries(self) -> dict[int, SummaryRecord]:
        """Every summary ever committed on this branch, by id, with its ranges and the ids of its sources."""
        return self._archive.summaries(self._current())

    def report(self) -> SessionReport:
        """All of it as a value: numbers, course, what became of each message, events, summaries.

        Reads the sizes of the whole log, not its text.
        """
        state, stats, events = self._state, self.stats, self.events
        sizes, summaries = self._archive.sizes(self._current()), self.summaries
        view, window = state.live.view, state.live.window()
        committed = tuple(event for event in events if event.committed)
        tokens = tuple(size.tokens for size in sizes)
        limit = self.budget.input_tokens
        return SessionReport(
            session_id=self._state.settings.session_id,
            namespace=self._state.settings.namespace,
            policy=policy_name(self.policy),
            stats=stats,
            timeline=Timeline(
                points_of(tokens, committed, stats.tokens_seen),
                limit,
                first_trigger(self.policy, limit),
                committed,
            ),
            sizes=tokens,
            fates=fates_of(sizes, view, summaries, window.superseded),
            events=tuple(events),
            summaries=summaries,
            shown=view.summaries,
            pins=self.pins,
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the course with matplotlib: said, seen, trigger, budget, compactions. Returns the axes.

        Raises `MissingPackage` where matplotlib is not installed (extra ``notebook``).
        """
        return shown_by("plots", "plot_timeline")(self.report().timeline, ax)
