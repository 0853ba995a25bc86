"""Planning: a generator that turns a task into a plan, and the drivers that run it."""

from context_compaction.planner.drivers import Call, StartDraft, Steps, adrive, drive
from context_compaction.planner.planner import PlanSteps, last_resort, plan, plan_event, rungs_for
from context_compaction.planner.rebase import rebased
from context_compaction.planner.switch import off_reason, switched_off
from context_compaction.planner.task import Task

__all__ = [
    "Call",
    "PlanSteps",
    "StartDraft",
    "Steps",
    "Task",
    "adrive",
    "drive",
    "last_resort",
    "off_reason",
    "plan",
    "plan_event",
    "rebased",
    "rungs_for",
    "switched_off",
]
