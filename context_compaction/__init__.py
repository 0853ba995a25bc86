"""Long LLM conversations kept inside a token budget, with nothing lost.

Names are loaded when they are first used: `import context_compaction` itself costs next to nothing.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from context_compaction._version import __version__
from context_compaction.lazily import lazily as _lazily

if _TYPE_CHECKING:
    from context_compaction.archive import (
        Archive,
        Branch,
        Forgotten,
        Problem,
        Pruned,
        Retention,
        SQLiteArchive,
        open_archive,
    )
    from context_compaction.budget import Budget
    from context_compaction.comparing import Compared, Comparison, compare
    from context_compaction.counting import TokenCounter, Usage
    from context_compaction.counting.transformers import TransformersCounter
    from context_compaction.drafting import Draft, DraftRequest, ExtractiveDrafter, SummaryDrafter
    from context_compaction.drafting.prompt import Instructions
    from context_compaction.drafting.transformers import TransformersDrafter
    from context_compaction.errors import (
        ArchiveCorrupt,
        ArchiveError,
        ArchiveTooNew,
        ArchiveUnavailable,
        CannotCompact,
        CompactionError,
        DrafterError,
        DuplicateMessage,
        EmbedderError,
        InvalidBudget,
        InvalidMessage,
        InvalidPolicy,
        MissingPackage,
        QueryError,
        SessionExists,
        SessionHasForks,
        StaleView,
        UnknownReference,
        UnknownSession,
    )
    from context_compaction.events import CompactionEvent, CompactionObserver, FactCount
    from context_compaction.messages import (
        MediaBlock,
        Message,
        MessageList,
        ReasoningBlock,
        Shown,
        TextBlock,
        ToolCallBlock,
        ToolResultBlock,
    )
    from context_compaction.messages.plain import PlainCodec
    from context_compaction.planner.stateless import acompact, compact
    from context_compaction.policy import Ladder, Policy, Rule, StandingInstructions
    from context_compaction.progress import with_progress
    from context_compaction.recall import (
        Bound,
        Description,
        GrepHit,
        HitList,
        Page,
        Reason,
        SearchHit,
        Stretch,
    )
    from context_compaction.session import Passage, Session, SessionReport, SessionStats, SyncResult, Timeline
    from context_compaction.session.lookup import Lookup, LookupAnswer
    from context_compaction.session.past import PastContexts, apast_context, past_context
    from context_compaction.session.scope import Scope
    from context_compaction.session.sessions import Sessions
    from context_compaction.session.tables import table_rows
    from context_compaction.session.unknown import append_unknown
    from context_compaction.text.cues import Cues
    from context_compaction.text.embedding import Embedder
    from context_compaction.text.secrets import redact_secrets
    from context_compaction.tools import ToolRules
    from context_compaction.view import View

__all__ = [
    "Archive",
    "ArchiveCorrupt",
    "ArchiveError",
    "ArchiveTooNew",
    "ArchiveUnavailable",
    "Bound",
    "Branch",
    "Budget",
    "CannotCompact",
    "CompactionError",
    "CompactionEvent",
    "CompactionObserver",
    "Compared",
    "Comparison",
    "Cues",
    "Description",
    "Draft",
    "DraftRequest",
    "DrafterError",
    "DuplicateMessage",
    "Embedder",
    "EmbedderError",
    "ExtractiveDrafter",
    "FactCount",
    "Forgotten",
    "GrepHit",
    "HitList",
    "Instructions",
    "InvalidBudget",
    "InvalidMessage",
    "InvalidPolicy",
    "Ladder",
    "Lookup",
    "LookupAnswer",
    "MediaBlock",
    "Message",
    "MessageList",
    "MissingPackage",
    "Page",
    "Passage",
    "PastContexts",
    "PlainCodec",
    "Policy",
    "Problem",
    "Pruned",
    "QueryError",
    "Reason",
    "ReasoningBlock",
    "Retention",
    "Rule",
    "SQLiteArchive",
    "Scope",
    "SearchHit",
    "Session",
    "SessionExists",
    "SessionHasForks",
    "SessionReport",
    "SessionStats",
    "Sessions",
    "Shown",
    "StaleView",
    "StandingInstructions",
    "Stretch",
    "SummaryDrafter",
    "SyncResult",
    "TextBlock",
    "Timeline",
    "TokenCounter",
    "ToolCallBlock",
    "ToolResultBlock",
    "ToolRules",
    "TransformersCounter",
    "TransformersDrafter",
    "UnknownReference",
    "UnknownSession",
    "Usage",
    "View",
    "__version__",
    "acompact",
    "apast_context",
    "append_unknown",
    "compact",
    "compare",
    "open_archive",
    "past_context",
    "redact_secrets",
    "table_rows",
    "with_progress",
]

_WHERE = {
    "archive": "Archive Branch Forgotten Problem Pruned Retention SQLiteArchive open_archive",
    "budget": "Budget",
    "comparing": "Compared Comparison compare",
    "counting": "TokenCounter Usage",
    "counting.transformers": "TransformersCounter",
    "drafting": "Draft DraftRequest ExtractiveDrafter SummaryDrafter",
    "drafting.prompt": "Instructions",
    "drafting.transformers": "TransformersDrafter",
    "errors": (
        "ArchiveCorrupt ArchiveError ArchiveTooNew ArchiveUnavailable CannotCompact CompactionError "
        "DrafterError DuplicateMessage EmbedderError InvalidBudget InvalidMessage InvalidPolicy "
        "MissingPackage QueryError SessionExists SessionHasForks StaleView UnknownReference UnknownSession"
    ),
    "events": "CompactionEvent CompactionObserver FactCount",
    "messages": (
        "MediaBlock Message MessageList ReasoningBlock Shown TextBlock ToolCallBlock ToolResultBlock"
    ),
    "messages.plain": "PlainCodec",
    "planner.stateless": "acompact compact",
    "policy": "Ladder Policy Rule StandingInstructions",
    "progress": "with_progress",
    "recall": "Bound Description GrepHit HitList Page Reason SearchHit Stretch",
    "session": "Passage Session SessionReport SessionStats SyncResult Timeline",
    "session.past": "PastContexts apast_context past_context",
    "session.scope": "Scope",
    "session.sessions": "Sessions",
    "session.tables": "table_rows",
    "session.unknown": "append_unknown",
    "session.lookup": "Lookup LookupAnswer",
    "text.cues": "Cues",
    "text.embedding": "Embedder",
    "text.secrets": "redact_secrets",
    "tools": "ToolRules",
    "view": "View",
}
"""By module, the public names that it defines."""

__getattr__, __dir__ = _lazily(__name__, _WHERE, __all__)
