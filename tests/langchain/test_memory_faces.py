"""What a memory hands to others: a retriever over its archive, a chat history over its session."""

from __future__ import annotations

from langchain_core.messages import AIMessage, HumanMessage

from langchain_compaction import ConversationCompactionMemory


def told() -> ConversationCompactionMemory:
    memory = ConversationCompactionMemory(return_messages=True)
    memory.save_context({"input": "The harbour master is Petersen."}, {"output": "Noted."})
    for number in range(4):
        memory.save_context(
            {"input": f"Which harbour is {number}?"}, {"output": f"Harbour {number} is Kiel."}
        )
    return memory


def test_a_retriever_finds_what_was_said():
    retriever = told().as_retriever(search_kwargs={"k": 2})
    documents = retriever.invoke("Petersen, the harbour master")
    assert documents[0].page_content == "The harbour master is Petersen."
    assert len(documents) == 2
    assert len(told().as_retriever().invoke("harbour")) == 4


def test_without_a_history_of_its_own_it_gives_a_view_on_its_session():
    memory = ConversationCompactionMemory(return_messages=True)
    history = memory.chat_memory
    history.add_user_message("ahoy")
    history.add_ai_message("hello")
    history.add_messages([HumanMessage("who?")])
    assert memory.buffer == [HumanMessage("ahoy"), AIMessage("hello"), HumanMessage("who?")]
    assert list(memory.chat_memory.messages) == memory.buffer
    memory.save_context({"input": "and?"}, {"output": "me"})
    assert history.messages[-1] == AIMessage("me")
    history.clear()
    assert memory.buffer == []
    memory.save_context({"input": "again"}, {"output": "yes"})
    assert list(memory.chat_memory.messages) == [HumanMessage("again"), AIMessage("yes")]
