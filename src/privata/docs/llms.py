"""`/llms.txt`: the documentation as a list of links with a line on each (llmstxt.org). Pure."""

from __future__ import annotations

from typing import Any

from privata.docs.guides import grouped
from privata.docs.reference import operations

Json = dict[str, Any]


def llms_text(made: Json, base_url: str) -> str:
    """The whole file, as Markdown."""
    lines = [
        f"# {made['info']['title']}",
        "",
        f"> {made['info']['summary']}",
        "",
        made["info"]["description"].strip(),
        "",
        "## Reference",
        "",
        f"- [OpenAPI 3.1 document]({base_url}/partner/v1/openapi.json): all of it, for machines",
        f"- [API reference]({base_url}/docs/api): the same, for people",
        "",
    ]
    for title, guides in grouped():
        lines += [f"## {title}", ""]
        lines += [
            f"- [{guide.title}]({base_url}/docs/{guide.slug}.md): {guide.lead}" for guide in guides
        ]
        lines.append("")
    lines += ["## Operations", ""]
    lines += [
        f"- [{method.upper()} {path}]({base_url}/docs/api#{operation['operationId']}):"
        f" {operation['summary']}"
        for path, method, operation in operations(made)
    ]
    return "\n".join([*lines, ""])
