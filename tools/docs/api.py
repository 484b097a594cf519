"""The reference page of the API, from its OpenAPI document and from the values that it answers."""

from __future__ import annotations

from typing import Any

from bot.web.api.description import describe


def render_api() -> str:
    """docs/reference/api.md."""
    document = describe()
    paths = "\n".join(_render_path(path, one["get"]) for path, one in document["paths"].items())
    schemas = document["components"]["schemas"]
    return f"""\
# The API

`/api/v1` gives what the pages show, as JSON. It only reads. `/api/v1/openapi.json` describes it (OpenAPI 3.1). This
page is made from the code by `make docs`.

**Tokens.** `aios-bot token add OWNER/NAME --days 90` on the service's machine prints a token for one fleet, once:
the service keeps its hash alone. Send it as `Authorization: Bearer TOKEN`. `aios-bot token list` shows them,
`aios-bot token revoke ID` ends one at once. A signed-in person's session does as well, with what that person may see.

**Jobs of GitHub Actions** need no token of ours. A job of the fleet's repository that has `id-token: write` requests
an OIDC token for the audience that `AIOS_BOT_PUBLIC_URL` is set to, and sends that: its issuer's signature, its
audience, its time and its `repository` are checked. Where `AIOS_BOT_PUBLIC_URL` is not set, no such token counts.

```bash
token=$(curl -sSf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://bot.example.com" | jq -r .value)
curl -sSf -H "Authorization: Bearer $token" https://bot.example.com/api/v1/fleets
```

**On a terminal**, `aios-bot status` shows it ([options](commands.md)): `AIOS_BOT_URL` is the service's address, and
`AIOS_BOT_TOKEN`, or the file that `AIOS_BOT_TOKEN_FILE` names, the token.

**Answers.** `ETag` comes with each; the same one in `If-None-Match` gives 304 while nothing changed. A list has up to
`most` entries, and `next` is the address of its next page, or null. Times are seconds since 1970, UTC.

**Refusals** are `application/problem+json` (RFC 9457): 400 for a parameter that there is not or that is wrong, 401
without a token that counts, 404 for what does not exist or may not be seen, 405 for any other method.

## Requests

| `GET` | gives | parameters |
| --- | --- | --- |
{paths}

## Values

{chr(10).join(_render_schema(name, schema) for name, schema in schemas.items())}"""


def _render_path(path: str, operation: dict[str, Any]) -> str:
    ref = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    name = ref.rpartition("/")[2]
    query = [f"`{one['name']}`: {one['description']}" for one in operation["parameters"] if one["in"] == "query"]
    return f"| `{path}` | {operation['summary']} ([{name}](#{name.lower()})) | {'<br>'.join(query)} |"


def _render_schema(name: str, schema: dict[str, Any]) -> str:
    about = schema.get("description", "").replace("\n", " ")
    if "enum" in schema:
        return f"### {name}\n\n{about}\n\nOne of {', '.join(f'`{one}`' for one in schema['enum'])}.\n"
    rows = "\n".join(f"| `{field}` | {_render_type(kind)} |" for field, kind in schema["properties"].items())
    return f"### {name}\n\n{about}\n\n| field | type |\n| --- | --- |\n{rows}\n"


def _render_type(kind: dict[str, Any]) -> str:
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in kind:
        return " or ".join(_render_type(one) for one in kind["anyOf"])
    if "enum" in kind:
        return ", ".join(f"`{one}`" for one in kind["enum"])
    return f"list of {_render_type(kind['items'])}" if kind["type"] == "array" else str(kind["type"])
