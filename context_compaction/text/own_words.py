"""What of a message is its writer's own words: all but what he quotes or pastes."""

from __future__ import annotations

import re

MAX_CHARS = 50_000
"""Of a message are looked at; nobody types more."""
_OURS = "conversation_summary|recalled|quoted_tool_result|pinned|summary"
_OPENED = re.compile(rf"<\s*(?:{_OURS})\b", re.IGNORECASE)
_CLOSED = re.compile(rf"<\s*/\s*(?:{_OURS})\s*>", re.IGNORECASE)
_TAG = re.compile(r"^[ \t]{0,8}<([a-zA-Z][\w-]{0,40})\b[^<>\n]{0,200}>", re.MULTILINE)
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_ITEM = re.compile(r"\s{0,12}(?:[-*+•]|\d{1,3}[.)]) ")
_QUOTED_LINE = re.compile(r"\s{0,3}>|(?: {4,}|\t)(?!\s{0,12}(?:[-*+•]|\d{1,3}[.)]) )")
_MACHINE = re.compile(
    r"\s{0,8}(?:\[?\d{4}-\d\d-\d\d|\[?\d{1,2}:\d\d:\d\d|\d{1,6}[:|\t→]|[|{}@]|[$%] \S|>>>"
    r"|\w{0,3}[\])}]{1,3}[,;]?$"
    r"|\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b|Traceback |File \""
    r"|\"[^\"\n]{1,80}\":|(?i:error|warning|info|debug|fatal)(?:\[\w{1,20}\])?:"
    r"|\w{0,60}(?:Error|Exception|Warning): |at [\w.$<>]{1,80} ?\(|\S{1,200}:\d{1,6}:)|.{0,600}[;{]\s{0,4}$"
)
_LEAD_IN = re.compile(
    r"(?=.{0,200}:\s{0,4}$).{0,200}\b(?:outputs?|logs?|logged|prints?|printed|says?|said|wrote|writes|responded|results?"
    r"|response|trace(?:back)?|stderr|stdout|readme|docs?|documentation|e-?mail|quote|pasted?)\b",
    re.IGNORECASE,
)
_INLINE = re.compile(r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|«[^»\n]{0,400}»|`[^`\n]{0,400}`|「[^」\n]{0,400}」")
# A pattern that begins with a plain sign is searched much faster.
_WRAPPED = re.compile(r"\n(?<![.!?…:;\s]\n)(?:(?=[a-zà-öø-ÿ])|(?<=[^\n]{60}\n)(?=[^\W\d_]))")
_SEEN = re.compile(r"[^\r\n]")


def own_words(text: str) -> str:
    """The text, as long as it was, with spaces for all that is quoted: each word stands where it stood.

    Quoted are code (fenced, indented), lines behind ``>``, what stands in a pair of tags or in our own
    markers, and paragraphs with a line that a machine wrote, or announced as somebody else's ("it says:").
    When in doubt, it is quoted. Lines that go on in the next one are joined. Linear in the text.
    """
    text = _without_tags(_without_ours(text[:MAX_CHARS]))
    lines = text.splitlines(keepends=True)
    hidden = _quoted_lines(lines) | _pasted_lines(lines)
    kept = "".join(_blank(line) if place in hidden else line for place, line in enumerate(lines))
    return _WRAPPED.sub(" ", kept)


def without_quotes(sentence: str) -> str:
    """A sentence, as long as it was, with spaces for what stands in it between quotation marks."""
    return _INLINE.sub(lambda found: " " * len(found.group()), sentence)


def _blank(text: str) -> str:
    return _SEEN.sub(" ", text)


def _without_ours(text: str) -> str:
    """From the first of our markers to the last: one in between may be forged. What never ends goes on."""
    opened = [found.start() for found in _OPENED.finditer(text)]
    if not opened:
        return text
    end = max((closed.end() for closed in _CLOSED.finditer(text)), default=0)
    end = end if opened[-1] < end else len(text)
    return text[: opened[0]] + _blank(text[opened[0] : end]) + text[end:]


def _without_tags(text: str) -> str:
    """``<log> ... </log>``, opened at the beginning of a line: how whole documents are handed over."""
    out: list[str] = []
    done = 0
    closings: dict[str, int] = {}
    for found in _TAG.finditer(text):
        closing = f"</{found.group(1)}>"
        if closing not in closings:
            closings[closing] = text.rfind(closing)
        end = closings[closing] + len(closing)
        if found.start() >= done and closings[closing] > found.start():
            out += [text[done : found.start()], _blank(text[found.start() : end])]
            done = end
    return "".join(out) + text[done:]


def _quoted_lines(lines: list[str]) -> set[int]:
    hidden: set[int] = set()
    fenced = False
    for place, line in enumerate(lines):
        fence = _FENCE.match(line) is not None
        if fenced or fence or _QUOTED_LINE.match(line):
            hidden.add(place)
        fenced ^= fence
    return hidden


def _pasted_lines(lines: list[str]) -> set[int]:
    """Paragraphs that are not the writer's: one line of a machine, and all of it is pasted."""
    hidden: set[int] = set()
    announced = False
    for paragraph in _paragraphs(lines):
        # The line that announces is itself own; not what follows, be it in the next paragraph.
        lead = next((place for place in paragraph if _LEAD_IN.match(lines[place])), None)
        if announced or any(_MACHINE.match(lines[place]) for place in paragraph):
            hidden.update(paragraph)
        elif lead is not None:
            hidden.update(place for place in paragraph if place > lead)
        announced = lead == paragraph[-1]
    return hidden


def _paragraphs(lines: list[str]) -> list[list[int]]:
    out: list[list[int]] = []
    before = False
    for place, line in enumerate(lines):
        if line.strip():
            if before:
                out[-1].append(place)
            else:
                out.append([place])
        before = bool(line.strip())
    return out
