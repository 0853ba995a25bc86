"""Where chains are installed, ours is what they take; it works without them, and warns of nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from langchain_classic.base_memory import BaseMemory

from langchain_compaction import ConversationCompactionMemory
from langchain_compaction.memory.base import PlainMemory

ROOT = Path(__file__).parents[2]
USE = """
import asyncio
from langchain_core.messages import AIMessage, HumanMessage
from langchain_compaction import ConversationCompactionMemory
from langchain_compaction.memory.base import PlainMemory
memory = ConversationCompactionMemory(max_token_limit=300)
for number in range(30):
    memory.save_context({"input": f"boat {number}?"}, {"output": f"captain {number}"})
asyncio.run(memory.asave_context({"input": HumanMessage("ahoy")}, {"output": AIMessage("hello")}))
shown = asyncio.run(memory.aload_memory_variables({}))
assert shown["history"].endswith("Human: ahoy\\nAI: hello"), shown
assert len(memory.session.history()) == 62
asyncio.run(memory.aclear())
assert memory.load_memory_variables({}) == {"history": ""}
memory.close()
print("plain" if isinstance(memory, PlainMemory) else "upstream", type(memory).__mro__[2].__module__)
"""
WITHOUT = {
    "blocked": "import sys; sys.modules['langchain_classic'] = None\n",
    "module gone": "import sys; sys.modules['langchain_classic.base_memory'] = None\n",
    "class gone": "import langchain_classic.base_memory as base; del base.BaseMemory\n",
    "core's histories gone": """
import sys, langchain_core.chat_history as base
del base.BaseChatMessageHistory
sys.modules["langchain_classic"] = None
""",
    "refused": """
import sys
class Stub:
    def __getattr__(self, name):
        raise AttributeError(name)
sys.modules["langchain_classic.base_memory"] = Stub()
""",
}


def run(program: str) -> str:
    """In a process of its own, where every warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_it_is_one_of_langchains():
    assert issubclass(ConversationCompactionMemory, BaseMemory)


def test_it_warns_of_nothing():
    assert run(USE) == "upstream langchain_classic.base_memory"


@pytest.mark.parametrize("how", WITHOUT)
def test_it_works_without_the_base(how: str):
    assert run(WITHOUT[how] + USE) == "plain langchain_compaction.memory.base"


def test_nothing_of_langchain_classic_is_loaded_before_it_is_asked_for():
    loaded = "'langchain_classic' in sys.modules"
    program = (
        "import sys, langchain_compaction\n"
        "langchain_compaction.from_langchain, langchain_compaction.ChatModelDrafter\n"
        f"print({loaded})\n"
        "langchain_compaction.ConversationCompactionMemory\n"
        f"print({loaded})"
    )
    assert run(program).split() == ["False", "True"]


def test_the_stand_in_has_the_whole_surface():
    assert set(dir(PlainMemory)) >= {name for name in dir(BaseMemory) if not name.startswith("_")}
    assert PlainMemory.__abstractmethods__ == BaseMemory.__abstractmethods__
