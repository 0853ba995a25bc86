"""LangChain's own suites for tools and retrievers, whole, on PostgreSQL; the compact tool's on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from context_compaction import open_archive
from langchain_compaction import ArchiveRetriever, create_compact_tool, create_recall_tool
from tests.langchain.test_retriever import talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.tools import BaseTool

    from context_compaction import Session


class OnPostgres:
    """The suites make what they test in a property, so the session is made before."""

    session: Session

    @pytest.fixture(autouse=True)
    def said(self, postgres_schema: str) -> Iterator[None]:
        with open_archive(postgres_schema) as archive, talk(archive) as session:
            type(self).session = session
            yield


class TestRecallUnit(OnPostgres, ToolsUnitTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return create_recall_tool(self.session)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": "harbour crane"}


class TestRecall(OnPostgres, ToolsIntegrationTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return create_recall_tool(self.session)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": "harbour crane"}


class TestRetriever(OnPostgres, RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[ArchiveRetriever]:
        return ArchiveRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"session": self.session}

    @property
    def retriever_query_example(self) -> str:
        return "harbour crane"


class TestCompactUnit(ToolsUnitTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return create_compact_tool(talk())

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"focus": "the crane"}


class TestCompact(ToolsIntegrationTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return create_compact_tool(talk())

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"focus": "the crane"}
