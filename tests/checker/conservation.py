"""Is every message of the log still accounted for? (design §2 view entries; §4.2 to §4.4; §4.8)"""

from __future__ import annotations

from tests.checker.alignment import Alignment, align
from tests.checker.edits import is_longer, is_quote_of, quotes_word_for_word
from tests.checker.log import Item
from tests.checker.problem import HEAD_ROLES, ChatMessage, Problem, excerpt, role, text
from tests.checker.request import Request

HALF_TOLERANCE = 0.95
"""Of the half of input above which the newest user message may be clamped: counters differ a little."""


def check_conservation(request: Request) -> list[Problem]:
    """All rules on what is shown, edited, quoted, named or lost."""
    found = align(request)
    return [
        *_accounted(found),
        *_covered_shown(request, found),
        *_edits(request, found),
        *_covered_system(request),
        *_whole_groups(request, found),
        *_newest_user(request, found),
        *_newest_group(request, found),
        *_pins(request, found),
        *_synthetic(found),
    ]


def _accounted(found: Alignment) -> list[Problem]:
    """Design §4.8 and §4.4: nothing lost, nothing made up, all in log order."""
    lost = [
        Problem("lost", f"m:{item.seq}", f"{item.kind} neither shown nor named") for item in found.missing
    ]
    made_up = [
        Problem("foreign", f"shown[{place}]", f"stands for no message in log order here: {excerpt(message)}")
        for place, message in found.foreign
    ]
    return lost + made_up


def _covered_shown(request: Request, found: Alignment) -> list[Problem]:
    """Design §4.4: what a summary or gap names is not shown beside it."""
    return [
        Problem("named-and-shown", f"shown[{place}]", f"m:{item.seq} is named as compacted too")
        for place, _, item in found.pairs
        if item.seq in request.covered and request.references
    ]


def _edits(request: Request, found: Alignment) -> list[Problem]:
    """Design §2: an edited entry frees tokens; system messages are never edited (§4.2)."""
    problems: list[Problem] = []
    for place, message, item in found.pairs:
        original = request.original(item.seq)
        if item.kind != "original" or message == original:
            continue
        if is_longer(message, original, request.count):
            problems.append(Problem("edit-longer", f"shown[{place}]", f"m:{item.seq} grew by its edit"))
        if role(original) in HEAD_ROLES:
            problems.append(Problem("system-edited", f"shown[{place}]", f"m:{item.seq} is not word for word"))
    return problems


def _covered_system(request: Request) -> list[Problem]:
    """Design §4.2: no system message leaves, unless a later one supersedes it."""
    return [
        Problem("system-left", f"m:{seq}", "a system message is named as compacted")
        for seq in sorted(request.covered)
        if role(request.original(seq)) in HEAD_ROLES and seq not in request.superseded
    ]


def _whole_groups(request: Request, found: Alignment) -> list[Problem]:
    """Design §4.1: a call and all its results stay or go together.

    A late result that came once its call had left is shown where it arrived: appends change nothing before.
    """
    late = request.pairing.late.keys()
    shown = {item.seq for _, _, item in found.pairs} - request.covered
    return [
        Problem(
            "group-split", f"m:{min(group)}", f"of {sorted(group)} {sorted(group & request.covered)} left"
        )
        for group in request.groups
        if group & request.covered and (group - late) & shown
    ]


def _shown_as(found: Alignment, seq: int) -> ChatMessage | None:
    hits = (message for _, message, item in found.pairs if item.seq == seq and item.kind != "synthetic")
    return next(hits, None)


def _newest_user(request: Request, found: Alignment) -> list[Problem]:
    """Design §4.3 and §3: the newest user message stays; clamped only if it passes half of the input."""
    seq = request.newest_user
    if not seq:
        return []
    shown, original = _shown_as(found, seq), request.original(seq)
    if shown is None:
        return [Problem("newest-user", f"m:{seq}", "the newest user message is not shown")]
    half = request.input_tokens / 2 * HALF_TOLERANCE
    if shown != original and max(count([original]) for count in request.counts.values()) <= half:
        return [Problem("newest-user", f"m:{seq}", "clamped although it is under half of the input")]
    return []


def _newest_group(request: Request, found: Alignment) -> list[Problem]:
    """Design §3: the newest group stays; assistant text and arguments in it are never clamped.

    A late result makes an older group the newest: what had left or was edited before stays so.
    """
    revived = request.newest in request.pairing.late
    problems: list[Problem] = []
    for seq in sorted(request.newest_group - request.elsewhere):
        shown, original = _shown_as(found, seq), request.original(seq)
        if shown is None and seq > len(request.head):
            if not _waiting(request, seq) and not (revived and seq in request.covered):
                problems.append(Problem("newest-group", f"m:{seq}", "not shown"))
        elif role(original) == "assistant" and shown != original and not revived:
            problems.append(Problem("newest-group", f"m:{seq}", "an assistant message is edited"))
    return problems


def _waiting(request: Request, seq: int) -> bool:
    """True for a quoted result that waits until an open batch closes."""
    return any(item.seq == seq and item.optional for item in request.items)


def _pins(request: Request, found: Alignment) -> list[Problem]:
    """Design §4.2: pins stay word for word, in place or quoted in the context message."""
    return [
        Problem("pin", f"m:{pin}" if isinstance(pin, int) else repr(pin[:40]), "not shown word for word")
        for pin in request.pins
        if not _pin_kept(request, found, pin)
    ]


def _pin_kept(request: Request, found: Alignment, pin: int | str) -> bool:
    content = text(request.context) if request.context else ""
    if isinstance(pin, str):
        return quotes_word_for_word(content, pin) or any(pin in text(message) for message in request.shown)
    original = request.original(pin)
    if _waiting(request, pin):
        return True
    shown = _shown_as(found, pin)
    if pin <= len(request.head) or shown == original:
        return True
    if shown is not None and is_quote_of(shown, pin, request.references):
        return quotes_word_for_word(text(shown), text(original))
    # One that was edited before it was pinned is quoted beside what is left of it.
    return (pin in request.covered or shown is not None) and quotes_word_for_word(content, text(original))


def _synthetic(found: Alignment) -> list[Problem]:
    """Design §4.1: unanswered calls get one fixed text."""
    first: Item | None = None
    texts: dict[str, int] = {}
    for place, message, item in found.pairs:
        if item.kind == "synthetic":
            first = first or item
            texts.setdefault(text(message), place)
    if len(texts) < 2:
        return []
    return [
        Problem("synthetic", f"shown[{place}]", f"another synthetic result: {words!r}")
        for words, place in texts.items()
    ]
