"""What a sentence does: give a rule, ask for something, decide, leave open. Told by cue words.

English mostly, with the plainest cues of a few other languages. A cue that is missed costs a summary line
its place, never more: nothing is dropped or obeyed because of it.
"""

from __future__ import annotations

import re

_HEAD = 400
"""Characters looked at; intent shows early."""


def _cues(words: str, *patterns: str, other_scripts: str = "") -> re.Pattern[str]:
    """Whole words (parted by ``|`` or a line break), further patterns, cues without spaces around."""
    joined = "|".join(line.strip().strip("|") for line in words.splitlines() if line.strip())
    return re.compile("|".join(filter(None, (rf"\b(?:{joined})\b", *patterns, other_scripts))), re.IGNORECASE)


_OPENING = r"(?:(?:ok|okay|so|now|then|and|also|next|great|thanks|yes|no|well|hi|hey|hello)[,.!:]? +){0,3}"
_VERBS = """
    add|analy[sz]e|apply|book|build|cancel|change|check|clean|commit|compare|compute|convert|create|debug|delete
    describe|design|do|document|draft|edit|explain|extract|find|fix|follow|generate|get|give|help|implement
    improve|install|investigate|keep|let'?s|list|look|make|merge|migrate|modify|move|open|plan|print|push|put
    read|rebase|refactor|remind|remove|rename|replace|reproduce|research|review|revert|rewrite|run|search|send
    set|show|solve|start|stop|suggest|summari[sz]e|switch|take|tell|test|translate|try|update|upgrade|use
    verify|write
"""
_VERB = "|".join(_VERBS.split())

_RULE = _cues(
    """
    (?<!not )(?<!n't )always|never|must(?:n't| not)?(?! have)|only (?:use|ever)
    do not|don'?t (?!know|think|see|have|worry|mind|understand)
    make sure|ensure|from now on|remember (?:that|to)|keep in mind|at all times|under no circumstances
    no matter what|stick to|i (?:only|always|never)|i'?d prefer|i prefer|prefer to|allergic|call me|my name is
    immer|niemals|bitte nicht|siempre|nunca|toujours|jamais
    """,
    r"\b(?:important|note|rule):",
    other_scripts="必须|務必|务必|不要|永远|总是|切勿|必ず|しないで|いつも|항상|절대|всегда|никогда|нельзя",
)
_OPENS = (
    r"[\s\-*+•>#\"'“«`(\[]{1,8}+|\d{1,3}[.)] |<[^<>]{1,80}>|please,? |(?:and|also|so|then),? "
    r"|(?:user|system|developer|rules?|important|notes?|instructions?|reminder|warning):"
)
_ORDER = re.compile(
    rf"(?:{_OPENS}){{0,8}}+"  # possessive: there are too many ways to part a row of signs
    r"(?:(?:always|never)\b(?! mind| (?:got|found|went|came|saw|had|was|were|been|made|did|ran)\b"
    r"| \w{1,30}(?:(?<!e)ed|[^\Wsu]s)\b)"  # "never tried", "always fails": told, not ordered
    r"|(?:do not|must(?:n't| not| always| never)|under no circumstances|from (?:now|here) on|henceforth)\b"
    r"|(?:at all times|no matter what|only ever|ignore|disregard)\b"
    r"|don'?t (?!know|think|see|have|worry|mind|understand)"
    r"|(?:you|(?:the )?(?:assistant|agent|model)|(?:all|every|any|future)(?: \w{1,20}){0,2} "
    r"(?:answers?|repl(?:y|ies)|responses?|messages?|outputs?))"
    r" (?:must|shall|(?:is|are|has|have) to|should (?:always|never))\b"
    r"|(?:immer|niemals|nie|siempre|nunca|toujours|jamais|всегда|никогда|нельзя)\b"
    r"|.{0,12}(?:必须|務必|务必|不要|永远|总是|切勿|必ず|しないで|いつも|항상|절대))",
    re.IGNORECASE,
)
_REQUEST = _cues(
    """
    please|i (?:want|need|would like|'d like)|i'd like|we (?:want|need)|my goal|the goal|the task|your task
    help me|looking (?:for|to)|trying to|should (?:be|have|not|also|only|use)
    bitte|por favor|s'il (?:te|vous) plaît|пожалуйста
    """,
    rf"^{_OPENING}(?:can|could|would|will) you\b",
    rf"^{_OPENING}(?:{_VERB})\b(?! (?:of|is|was)\b)",
    other_scripts="请|帮我|我想|我要|してください|てほしい|お願い|해줘|해주세요",
)
_DECISION = _cues(
    """
    decided|decision|we(?:'ll| will) (?:use|go|keep|take)|let'?s (?:go|use|keep|do|take|stick)|go(?:ing)? with
    settled on|chose|chosen|opt(?:ed|ing)? for|agreed|agree to|instead of|rather than|concluded?|conclusion
    i(?:'ll| will) (?:take|go with|use|book|buy)|approved|rejected|ruled out|root cause|turns out|the plan is
    confirmed?|entschieden|decidimos|décidé|решили
    """,
    other_scripts="决定|決定|采用|採用|决心|にする|ことにし|결정",
)
_OPEN = _cues(
    """
    todo|fixme|next steps?|remaining|still (?:need|to|have|fails?|open|missing)|not yet|pending|unresolved
    unclear|open question|follow[- ]up|to be done|tbd|later|tomorrow|next (?:week|month|year|weekend)
    needs? to|i(?:'ll| will)|going to|plan(?:ning)? to|waiting (?:for|on)|blocked
    """,
    r"[?？][\"'”)\s]{0,4}$",  # noqa: RUF001  the Chinese question mark is meant
    other_scripts="下一步|待办|还没|接下来|次は|まだ",
)
_FAILURE = _cues(
    """
    error|exception|traceback|fail(?:s|ed|ing|ure|ures)?|fatal|panic|crash(?:es|ed)?|denied|timed out|timeout
    not found|no such|cannot|can't(?! wait)|couldn't|unable to|broken|bug|regression|invalid|undefined
    segfault|refused|abort(?:ed)?|fehler|erreur
    """,
    other_scripts="错误|失败|异常|エラー|失敗|오류|ошибка",
)
_FIX = _cues(
    """
    fix(?:ed|es|ing)?|resolved?|solved?|works now|work(?:s|ed) fine|pass(?:es|ed|ing)?|because|caused by
    the (?:cause|problem|issue) (?:is|was)|workaround|repaired|corrected|patched
    """,
    other_scripts="修复|解决|修正|解決",
)


def is_rule(sentence: str) -> bool:
    """Whether it tells how to behave from now on."""
    return bool(_RULE.search(sentence[:_HEAD]))


def is_order(sentence: str) -> bool:
    """Whether it gives a rule in the form of one: it begins as an order does, or says what you must.

    Narrower than `is_rule`: what is told about somebody ("Ann: never again", "it always fails") is none.
    "User:", "System:" or "Rule:" before it make no difference.
    """
    return bool(_ORDER.match(sentence[:_HEAD]))


def is_request(sentence: str) -> bool:
    """Whether it asks for something to be done, or says what is wanted."""
    return bool(_REQUEST.search(sentence[:_HEAD]))


def is_decision(sentence: str) -> bool:
    """Whether it settles something."""
    return bool(_DECISION.search(sentence[:_HEAD]))


def is_open(sentence: str) -> bool:
    """Whether it asks, or names what is still to be done."""
    return bool(_OPEN.search(sentence[-_HEAD:]))


def is_failure(sentence: str) -> bool:
    """Whether it tells of something that went wrong."""
    return bool(_FAILURE.search(sentence[:_HEAD]))


def is_fix(sentence: str) -> bool:
    """Whether it tells a cause or a repair."""
    return bool(_FIX.search(sentence[:_HEAD]))
