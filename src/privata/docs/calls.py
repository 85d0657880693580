"""A request that shows an operation, and the code that makes it in three languages. Pure."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

Json = dict[str, Any]

#: Stands where a partner's own key goes, in code and in collections.
KEY_PLACE: Final = "PRIVATA_KEY"

KEY_HEADER: Final = "X-API-Key"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; the key is the environment variable `PRIVATA_KEY`."""

    method: str
    base_url: str
    path: str
    path_values: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    keyed: bool = True
    streamed: bool = False

    @property
    def url(self) -> str:
        """The whole address with its query."""
        path = self.path
        for name, value in self.path_values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=":"))
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{self.base_url}{path}{query}"


def call_of(made: Json, path: str, method: str, operation: Json) -> Call:
    """The operation's own examples as a request to this installation."""
    by_place: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for parameter in operation.get("parameters", []):
        shown = "example" in parameter
        wanted = parameter.get("required") or parameter["name"] == "Idempotency-Key"
        if shown and wanted:
            by_place[parameter["in"]][parameter["name"]] = shown_value(parameter)
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    success = [one for status, one in operation["responses"].items() if status.startswith("2")]
    return Call(
        method=method.upper(),
        base_url=made["servers"][0]["url"],
        path=path,
        path_values=by_place["path"],
        query=by_place["query"],
        headers=by_place["header"],
        body=content.get("example"),
        keyed={} not in operation.get("security", [{}]),
        streamed=any("text/event-stream" in one.get("content", {}) for one in success),
    )


def shown_value(parameter: Json) -> str:
    """The example of a parameter as it stands in an address: lists between commas."""
    value = parameter.get("example", "")
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def samples(call: Call) -> list[tuple[str, str, str]]:
    """Label, language and code, one for each language."""
    return [
        ("cURL", "bash", curl(call)),
        ("Python", "python", python(call)),
        ("JavaScript", "javascript", javascript(call)),
    ]


def curl(call: Call) -> str:
    """A command line; the key comes from the shell's environment."""
    head = "curl -N" if call.streamed else "curl"
    if call.method not in ("GET", "POST") or (call.method == "POST" and call.body is None):
        head += f" -X {call.method}"
    lines = [f"{head} {shlex.quote(call.url)}"]
    if call.keyed:
        lines.append(f'-H "{KEY_HEADER}: ${KEY_PLACE}"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers.items()]
    if call.body is not None:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d {shlex.quote(_pretty(call.body))}")
    return " \\\n  ".join(lines)


def python(call: Call) -> str:
    """A script with httpx."""
    lines = ["import os", "", "import httpx", ""] if call.keyed else ["import httpx", ""]
    given = [f"    {call.url!r},".replace("'", '"')]
    headers = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in call.headers.items()]
    if call.keyed:
        headers.insert(0, f'"{KEY_HEADER}": os.environ["{KEY_PLACE}"]')
    if headers:
        given.append(f"    headers={{{', '.join(headers)}}},")
    if call.body is not None:
        body = _python(call.body, "    ")
        given.append(f"    json={body},")
    if call.streamed:
        given = [f'    "{call.method}",', *given, "    timeout=None,"]
        lines += ["with httpx.stream(", *given, ") as answer:"]
        lines += ["    answer.raise_for_status()", "    for line in answer.iter_lines():"]
        return "\n".join([*lines, "        print(line)"])
    lines += [f"answer = httpx.{call.method.lower()}("]
    if call.method == "DELETE" and call.body is not None:
        lines[-1] = 'answer = httpx.request("DELETE",'
    return "\n".join([*lines, *given, ")", "answer.raise_for_status()", "print(answer.json())"])


def javascript(call: Call) -> str:
    """A module with fetch, for Node."""
    options = [f"  method: {json.dumps(call.method)},"] if call.method != "GET" else []
    headers = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in call.headers.items()]
    if call.keyed:
        headers.insert(0, f'"{KEY_HEADER}": process.env.{KEY_PLACE}')
    if call.body is not None:
        headers.append('"Content-Type": "application/json"')
    if headers:
        options += ["  headers: {", *(f"    {one}," for one in headers), "  },"]
    if call.body is not None:
        body = _pretty(call.body).replace("\n", "\n  ")
        options.append(f"  body: JSON.stringify({body}),")
    url = json.dumps(call.url)
    given = [f"const answer = await fetch({url}, {{", *options, "});"]
    if not options:
        given = [f"const answer = await fetch({url});"]
    check = "if (!answer.ok) throw new Error(await answer.text());"
    if call.streamed:
        reading = "for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {"
        return "\n".join([*given, check, reading, "  process.stdout.write(chunk);", "}"])
    return "\n".join([*given, check, "console.log(await answer.json());"])


def _pretty(body: Any) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def _python(value: Any, indent: str) -> str:
    """The value as Python writes it, one field a line."""
    if not isinstance(value, dict) or not value:
        plain = value is None or isinstance(value, bool)
        return str(value) if plain else json.dumps(value, ensure_ascii=False)
    inner = indent + "    "
    fields = (f"{inner}{json.dumps(key)}: {_python(one, inner)}," for key, one in value.items())
    return "\n".join(["{", *fields, indent + "}"])
