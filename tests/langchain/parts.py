"""Content parts as the providers write them."""

from __future__ import annotations

from typing import Any

LONG = "QUJD" * 400
"""What encoded bytes look like."""
PICTURE = "iVBORw0KGgo="

STANDARD: list[Any] = [
    {"type": "text", "text": "standard", "annotations": [{"type": "citation", "url": "https://a.example"}]},
    {"type": "reasoning", "reasoning": "first this", "id": "r1", "extras": {"signature": "sig"}},
    {"type": "reasoning"},
    {"type": "image", "base64": PICTURE, "mime_type": "image/png", "id": "img"},
    {"type": "image", "url": "https://a.example/a.png"},
    {"type": "image", "file_id": "file-1"},
    {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"},
    {"type": "video", "url": "https://a.example/a.mp4"},
    {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "a.pdf"},
    {"type": "text-plain", "text": "a file's text", "mime_type": "text/plain"},
    {"type": "server_tool_call", "id": "srv1", "name": "web_search", "args": {"query": "x"}},
    {"type": "server_tool_result", "tool_call_id": "srv1", "status": "success", "output": [1, None]},
    {"type": "non_standard", "value": {"deep": [{"odd": True}]}},
]
V0: list[Any] = [
    "a bare string",
    {"type": "image", "source_type": "base64", "data": PICTURE, "mime_type": "image/png"},
    {"type": "image", "source_type": "url", "url": "https://a.example/b.png"},
    {"type": "file", "source_type": "text", "text": "typed"},
    {"type": "audio", "source_type": "id", "id": "audio-1"},
]
OPENAI: list[Any] = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}", "detail": "low"}},
    {"type": "image_url", "image_url": "https://a.example/c.png"},
    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    {"type": "input_image", "image_url": "https://a.example/d.png", "detail": "high"},
    {"type": "file", "file": {"file_id": "file-2"}},
    {"type": "file", "file": {"filename": "b.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
    {"type": "input_text", "text": "of the responses API"},
    {"type": "output_text", "text": "said", "annotations": []},
    {"type": "refusal", "refusal": "no"},
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "thought"}],
        "encrypted_content": "gAAA",
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed"},
]
ANTHROPIC: list[Any] = [
    {"type": "text", "text": "cached", "cache_control": {"type": "ephemeral"}, "citations": [{"cited": "x"}]},
    {"type": "thinking", "thinking": "let me see", "signature": "EqQB"},
    {"type": "redacted_thinking", "data": "opaque"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
    {"type": "document", "source": {"type": "url", "url": "https://a.example/a.pdf"}, "title": "A"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [{"encrypted_content": LONG}],
    },
    {"type": "tool_use", "id": "toolu_unknown", "name": "f", "input": {"a": 1}},
]
BEDROCK: list[Any] = [
    {"text": "without a type"},
    {"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": "sg"}},
    {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
    {"type": "image", "image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
    {"cachePoint": {"type": "default"}},
    {"type": "guard_content", "guard_content": {"text": "guarded"}},
]
GOOGLE: list[Any] = [
    {"type": "media", "mime_type": "video/mp4", "file_uri": "gs://a/b.mp4"},
    {"type": "media", "mime_type": "image/png", "data": b"\x89PNG"},
    {"type": "executable_code", "executable_code": "print(1)", "language": "python"},
    {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1},
    {"type": "thinking", "thinking": "", "signature": "CpQB"},
]
ODD: list[Any] = [
    {},
    {"type": None},
    {"type": "text"},
    {"type": "text", "text": None},
    {"type": "image"},
    {"type": "image", "image": None},
    {"type": "image_url", "image_url": {}},
    {"type": "reasoning", "summary": None},
    {"type": "reasoning", "summary": [{"text": None}, "x"]},
    {"type": "reasoning", "extras": None},
    {"type": 7, "text": "seven"},
    {"type": ["unhashable"]},
    {"type": "unheard_of", "payload": LONG, "when": (1, 2)},
    {"$plain": "dict", "data": []},
]
PARTS = [*STANDARD, *V0, *OPENAI, *ANTHROPIC, *BEDROCK, *GOOGLE, *ODD]
