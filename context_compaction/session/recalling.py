"""Auto-recall: what the view does not show and the newest user message asks about (design §5).

Chosen once a turn and recorded, so that it stands unchanged for all of it, in every process.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from context_compaction.budget import Budget
from context_compaction.errors import ArchiveError
from context_compaction.messages import Message, Shown, quotable
from context_compaction.planner import Call, Steps
from context_compaction.recall import HITS, answers_to, question_of, recall, worth_recalling
from context_compaction.render import Quote, recalled_message
from context_compaction.session.hidden import Hidden
from context_compaction.session.notes import Recalled
from context_compaction.session.state import SessionState
from context_compaction.text.dates import epoch
from context_compaction.text.terms import query_words
from context_compaction.view import LogRecord, Range, ranges_of

LEAST = 48
"""With less room than this nothing is looked for: the frame takes half of it."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Block:
    """The recalled block of a turn."""

    branch: int
    choice: Recalled
    message: Message
    tokens: int
    missing: int
    """How many of the quoted messages were pruned before."""


class Recaller:
    """Chooses the recalled block of a turn, shows it, and lets it go when there is no room left."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._block: Block | None = None

    def tokens(self) -> int:
        """What the block adds to the view."""
        return self._block.tokens if self._block else 0

    def shown(self) -> Shown:
        """The view as it is sent: with the block, if there is one, right before the newest user message."""
        renderer, block = self._state.live.renderer, self._block
        count = len(renderer.messages)
        if block is None:
            return Shown(renderer.messages, count)
        # A user message ends whatever batch was open: no call is parted from its results here.
        place = count - 1
        while renderer.seqs[place] != block.choice.turn:
            place -= 1
        return Shown(renderer.messages, count, block.message, place)

    def decide(self, budget: Budget) -> Steps[None]:
        """See to the block of the turn as it stands. No turn fails for it: a failing archive gives none."""
        self._block, last = None, self._block
        state, turn = self._state, self._turn()
        if turn is None or not state.settings.policy.recall_room(budget.input_tokens):
            return
        try:
            if state.notes.recalled is None or state.notes.recalled.turn != turn.seq:
                if not (hidden := Hidden(state.live.view, state.live.summaries, turn.seq)):
                    return
                if self._answered():
                    state.notes.recalled = Recalled(turn.seq)
                    return
                yield Call(lambda: self._choose(turn, hidden, budget))
            choice = state.notes.recalled
            if choice is None or choice.turn != turn.seq or not choice.quotes:
                return  # nothing, or another process is a turn ahead
            block = yield Call(lambda: self._renewed(last, choice))
            if block is None:
                return
            if block.tokens > self._room(budget, block.tokens):
                state.notes.recalled = Recalled(turn.seq)
                yield Call(state.note)
                return
            self._block = block
        except ArchiveError as error:
            logger.warning("no recalled block for this turn: %s", error)

    def renew(self) -> Steps[None]:
        """Before a context is given again: leave out of its block what was pruned meanwhile."""
        if block := self._block:
            self._block = yield Call(lambda: self._renewed(block, block.choice))

    def block_for(self, question: str) -> Message | None:
        """The block of a turn that begins with this question, which is not stored yet."""
        state, budget = self._state, self._state.settings.budget
        hidden = Hidden(state.live.view, state.live.summaries, state.live.last_seq + 1)
        room = self._room(budget, state.settings.policy.recall_room(budget.input_tokens))
        if state.settings.disabled or not hidden or room < LEAST:
            return None
        chosen = self._best(question, hidden, room)
        block = self._read(Recalled(state.live.last_seq + 1, chosen)) if chosen else None
        return block.message if block else None

    def _turn(self) -> LogRecord | None:
        """The newest user message."""
        if not self._state.live.view.head:
            return None  # nothing has left
        records = self._state.live.window().records
        for seq in reversed(self._state.live.renderer.seqs):
            if seq is not None and records[seq].message.role == "user":
                return records[seq]
        return None

    def _answered(self) -> bool:
        """Whether the turn has its answer: who asks now asks for what comes before the next question."""
        last = self._state.live.renderer.messages[-1]
        return last.role == "assistant" and not last.tool_calls

    def _choose(self, turn: LogRecord, hidden: Hidden, budget: Budget) -> None:
        """Choose and record; what another process chose for the turn holds."""
        state = self._state
        chosen: tuple[Quote, ...] = ()
        room = self._room(budget, state.settings.policy.recall_room(budget.input_tokens))
        if room >= LEAST:
            chosen = self._best(turn.message.text, hidden, room, epoch(turn.message.timestamp))
        state.notes.recalled = Recalled(turn.seq, chosen)
        state.note()

    def _best(self, question: str, hidden: Hidden, room: int, now: float | None = None) -> tuple[Quote, ...]:
        """What answers a question of ``now``, as much as fits."""
        state, asked = self._state, question_of(question)
        hits = recall(
            state.archive,
            state.live.branch,
            asked,
            HITS,
            within=hidden,
            before=hidden.before,
            now=now,
            embedding=state.settings.embedding,
        )
        follow = [seq for seq in answers_to(hits) if seq in hidden]
        rows = state.archive.messages(state.live.branch, ranges_of(sorted(follow))) if follow else []
        answers = {row.seq: row.message for row in rows if not row.pruned}
        view, log = state.live.view, state.live.window()
        shown = {quotable(record.message).strip() for record, edit in view.shown(log) if edit is None}
        shown.update(pin.text.strip() for pin in view.pins)
        return worth_recalling(
            hits,
            answers,
            room,
            state.settings.counter,
            words=query_words(asked),
            messages=state.live.last_seq,
            shown=shown,
        )

    def _room(self, budget: Budget, most: int) -> int:
        """How many of ``most`` tokens there is room for beside the view."""
        state, least = self._state, 0
        scale, view = state.scaling(budget.overhead_tokens), state.live.renderer.tokens
        while least < most:
            middle = (least + most + 1) // 2
            if scale(view + middle) <= budget.input_tokens:
                least = middle
            else:
                most = middle - 1
        return least

    def _renewed(self, last: Block | None, choice: Recalled) -> Block | None:
        """The last block, if it is of this choice and nothing that it quotes was pruned since."""
        state = self._state
        if last is not None and (last.branch, last.choice) == (state.live.branch, choice):
            extents = state.archive.extents(state.live.branch, _ranges(choice))
            if sum(extent.pruned for extent in extents) == last.missing:
                return last
        return self._read(choice)

    def _read(self, choice: Recalled) -> Block | None:
        """The block as it was chosen, less what was pruned since."""
        state = self._state
        rows = state.archive.messages(state.live.branch, _ranges(choice))
        messages = {row.seq: row.message for row in rows if not row.pruned}
        said = [(quoted, messages[quoted.seq]) for quoted in choice.quotes if quoted.seq in messages]
        if not said:
            return None
        message = recalled_message(said)
        tokens = state.settings.counter.message(message)
        return Block(state.live.branch, choice, message, tokens, missing=len(rows) - len(messages))


def _ranges(choice: Recalled) -> tuple[Range, ...]:
    """What it quotes, by number."""
    return ranges_of(sorted({quoted.seq for quoted in choice.quotes}))
