"""`Cues`: the words by which one language says that something is to hold from now on."""

from __future__ import annotations

from dataclasses import dataclass

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """Plain words and phrases, case aside; all are optional, so that a language may begin with two lists.

    A sentence is a standing instruction if it has one of ``phrases``, or one of ``adverbs`` where an order
    begins: at its start or behind ``openings``; behind a comma or colon of a sentence that starts with one
    of ``conditions``; anywhere in a sentence that starts with one of ``verbs``.
    """

    phrases: Words = ()
    """``from now on``, ``I prefer``: enough wherever they stand."""
    adverbs: Words = ()
    """``always``, ``never``: enough where an order begins."""
    openings: Words = ()
    """``please``, ``you must``: what may stand before an order."""
    conditions: Words = ()
    """``when``, ``in``: what a clause before an order begins with."""
    verbs: Words = ()
    """``answer``, ``use``: what an order may begin with."""
    unless: Words = ()
    """``never mind``: looks like a cue and is none."""
    negative: Words = ()
    """``never``, ``don't``: turn an instruction around. The others are taken for positive."""
    permits: Words = ()
    """``you may``: take back a negative instruction of the same words."""
    exempts: Words = ()
    """``no longer need to``: take back a positive one."""
    revokes: Words = ()
    """``forget that rule``: take back those with the words that follow; without any, the latest."""
    fillers: Words = ()
    """``please``, ``the``: words that do not tell two instructions apart."""
    rivals: tuple[Words, ...] = ()
    """Words of which one holds at a time (``tabs``, ``spaces``): a new one replaces the old."""

    def __hash__(self) -> int:
        """Of what tells most: it is asked for with every message."""
        return hash((self.phrases[:1], self.adverbs[:1], len(self.phrases)))


def words(listed: str) -> Words:
    """Words and phrases parted by ``|`` or a line break."""
    return tuple(filter(None, (word.strip() for word in listed.replace("\n", "|").split("|"))))


ENGLISH = Cues(
    phrases=words(
        """
        from now on|from here on|from this point on|going forward|henceforth|until further notice
        at all times|under no circumstances|i prefer|i'd prefer|i would prefer|i'd rather you
        i would rather you|you must always|you must never|you should always|you should never
        """
    ),
    adverbs=words("always|never|don't ever|do not ever|only ever|whenever you|every time you"),
    openings=words(
        """
        please|and|but|also|ok|okay|now|then|hi|hey|hello|important|note|rule|reminder|remember
        remember to|make sure|make sure to|be sure to|make sure you|you must|you should|you have to
        you need to|as a rule|i want you to|i need you to|i'd like you to|i would like you to
        """
    ),
    conditions=words("when|whenever|if|in|for|on|with|while|before|after|unless"),
    verbs=words(
        """
        add|answer|ask|call|check|commit|document|explain|format|give|include|indent|keep|leave|name
        put|reply|respond|return|review|run|show|speak|start|stick|tell|test|translate|use|verify|write
        """
    ),
    unless=words(
        """
        never mind|as always|always been|always happy|always here|always there|always a|always nice
        always fun|always good|always great|always up|always so|always wanted|always loved
        always had|always have been|always remember how|never thought|never been|never had|never seen
        never heard|never knew|never too|never a|never forget how|never felt|never gets|always gets
        prefer not to say
        """
    ),
    negative=words("never|not|don't|do not|doesn't|mustn't|no|avoid|stop|under no circumstances"),
    permits=words(
        """
        you may|you can|you're allowed to|you are allowed to|you're free to|feel free to|it's ok to
        it's okay to|it is ok to|it's fine to
        """
    ),
    exempts=words(
        """
        no longer need to|no longer have to|don't need to|don't have to|do not need to|do not have to
        needn't|no need to|stop
        """
    ),
    revokes=tuple(
        f"{verb} {rule}"
        for verb in ("forget", "ignore", "drop", "disregard", "lift")
        for rule in words(
            """
            that rule|the rule|this rule|my rule|the last rule|that instruction|the instruction|my instruction
            my last instruction|that preference|what i said
            """
        )
    ),
    fillers=words(
        """
        a|an|the|to|of|on|in|it|is|are|be|and|but|also|so|then|you|i|me|my|your|we|us|our|that|this
        with|for|about|from|please|now|again|anymore|any|more|ever|only|just|instead|rather|than|over
        longer|need|have|must|should|ok|okay|sure|make|at|all|use|using|used|answer|answers|reply
        replies|respond|responses|give|keep|want|like|prefer|preferred|remember|note|rule|important
        reminder|when
        """
    ),
    rivals=(
        words("tabs|spaces"),
        words("short|brief|concise|terse|long|detailed|verbose"),
        words("formal|informal|casual"),
        words(
            """
        english|german|french|spanish|italian|portuguese|dutch|polish|russian|ukrainian|turkish|arabic
        hindi|chinese|japanese|korean
        """
        ),
        words("british|american"),
        words("metric|imperial"),
        words("celsius|fahrenheit"),
        words("uv|pip|poetry|conda"),
        words("npm|yarn|pnpm|bun"),
    ),
)
GERMAN = Cues(
    phrases=words(
        """
        ab jetzt|ab sofort|von nun an|künftig|in zukunft|unter keinen umständen|auf keinen fall
        ich bevorzuge|ich hätte lieber|bitte immer|bitte nie|bitte niemals
        """
    ),
    adverbs=words("immer|nie|niemals|stets"),
    openings=words("bitte|und|aber|wichtig|du sollst|sie sollen"),
    conditions=words("wenn|bei|in|für|falls"),
    verbs=words("antworte|antworten|schreib|schreibe|schreiben|benutze|verwende|nutze|sprich"),
    negative=words("nie|niemals|nicht|kein|keine|unter keinen umständen|auf keinen fall"),
    permits=words("du darfst|du kannst|sie dürfen"),
    exempts=words("du musst nicht mehr|sie müssen nicht mehr"),
    revokes=words("vergiss die regel|vergiss diese regel|vergessen sie die regel"),
    fillers=words("bitte|jetzt|nun|wieder|der|die|das|den|und|zu|auf|mit|ab|an"),
    rivals=(
        words("deutsch|englisch|französisch|spanisch"),
        words("kurz|kurze|lang|lange|ausführlich"),
    ),
)
FRENCH = Cues(
    phrases=words("désormais|dorénavant|à partir de maintenant|en aucun cas|je préfère"),
    adverbs=words("toujours|jamais"),
    openings=words("merci de|s'il te plaît|s'il vous plaît|et|important"),
    verbs=words("réponds|répondez|répondre|utilise|utilisez|écris|écrivez"),
    negative=words("jamais|ne|pas|en aucun cas"),
    permits=words("tu peux|vous pouvez"),
)
SPANISH = Cues(
    phrases=words("a partir de ahora|de ahora en adelante|bajo ninguna circunstancia|prefiero"),
    adverbs=words("siempre|nunca|jamás"),
    openings=words("por favor|y|importante"),
    verbs=words("responde|responda|contesta|usa|utiliza|escribe|escriba"),
    negative=words("nunca|jamás|no|bajo ninguna circunstancia"),
    permits=words("puedes|puede"),
)
RUSSIAN = Cues(
    phrases=words("отныне|впредь|с этого момента|ни в коем случае|я предпочитаю"),  # noqa: RUF001  Cyrillic
    adverbs=words("всегда|никогда"),
    openings=words("пожалуйста|и"),
    verbs=words("отвечай|отвечайте|используй|используйте|пиши|пишите"),
    negative=words("никогда|не|ни в коем случае"),
)
CHINESE = Cues(
    phrases=words("从现在开始|从今以后|今后|请始终|请总是|务必|務必|永远不要|切勿|我更喜欢"),
    negative=words("永远不要|切勿|不要|不"),
)
JAPANESE = Cues(
    phrases=words("今後は|これからは|常に|必ず|絶対に"),
    negative=words("しないで|ないで"),
)
KOREAN = Cues(
    phrases=words("앞으로는|지금부터|항상|절대"),
    negative=words("절대|마세요|말아"),
)
PLAIN_CUES: tuple[Cues, ...] = (*(ENGLISH, GERMAN, FRENCH, SPANISH, RUSSIAN, CHINESE, JAPANESE, KOREAN),)
"""English, and the plainest cues of a few other languages."""
