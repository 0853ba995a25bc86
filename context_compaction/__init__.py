"""Long LLM conversations kept inside a token budget, with nothing lost."""

from context_compaction._version import __version__
from context_compaction.archive import Archive, SQLiteArchive, open_archive
from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter, Usage
from context_compaction.drafting import Draft, DraftRequest, ExtractiveDrafter, SummaryDrafter
from context_compaction.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveTooNew,
    ArchiveUnavailable,
    CannotCompact,
    CompactionError,
    DrafterError,
    DuplicateMessage,
    InvalidBudget,
    InvalidMessage,
    InvalidPolicy,
    QueryError,
    SessionHasForks,
    StaleView,
    UnknownReference,
)
from context_compaction.events import CompactionEvent, CompactionObserver
from context_compaction.messages import (
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.planner.stateless import acompact, compact
from context_compaction.policy import Ladder, Policy, Rule
from context_compaction.recall import SearchHit
from context_compaction.session import Session, SessionStats
from context_compaction.tools import ToolRules
from context_compaction.view import View

__all__ = [
    "Archive",
    "ArchiveCorrupt",
    "ArchiveError",
    "ArchiveTooNew",
    "ArchiveUnavailable",
    "Budget",
    "CannotCompact",
    "CompactionError",
    "CompactionEvent",
    "CompactionObserver",
    "Draft",
    "DraftRequest",
    "DrafterError",
    "DuplicateMessage",
    "ExtractiveDrafter",
    "InvalidBudget",
    "InvalidMessage",
    "InvalidPolicy",
    "Ladder",
    "MediaBlock",
    "Message",
    "Policy",
    "QueryError",
    "ReasoningBlock",
    "Rule",
    "SQLiteArchive",
    "SearchHit",
    "Session",
    "SessionHasForks",
    "SessionStats",
    "StaleView",
    "SummaryDrafter",
    "TextBlock",
    "TokenCounter",
    "ToolCallBlock",
    "ToolResultBlock",
    "ToolRules",
    "UnknownReference",
    "Usage",
    "View",
    "__version__",
    "acompact",
    "compact",
    "open_archive",
]
