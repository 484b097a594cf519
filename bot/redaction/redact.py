"""Replace secrets by keyed fingerprints in everything that is shown or stored. Pure.

Equal secrets get equal marks, so that a plan can still say "changed" or "unchanged"; without `secret_key`
nothing can be guessed from a mark. What is hidden, and why:

- what an env_file put into a service's environment: always, whatever it looks like;
- values of `.env` and of env files wherever else they turn up: everywhere when their name or shape says secret;
  in free text (environment, labels, commands, inline configs ...) unless they are obviously public, such as
  `TZ=Europe/Berlin`; never in places such as `image` or `ports`, where a plan would be useless without them;
- literals under names such as DB_PASSWORD, `--auth-token=...`, `user:password@` in addresses, and what has a
  secret's own shape (bot.redaction.shapes).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from bot.redaction.shapes import find_shaped, is_secret_name, is_secret_under, looks_secret, word_set

_FREE = word_set(
    "environment labels annotations args command entrypoint test content options driver_opts sysctls post_start "
    "pre_stop extra_hosts provider"
)
_ARGUMENTS = frozenset(("command", "entrypoint", "test"))
_NAMES = word_set(
    "name image container_name hostname network_mode ipc pid volumes_from links external_links networks depends_on "
    "source target file context dockerfile device devices path env_file label_file volumes aliases profiles service "
    "type driver published host_ip protocol mode working_dir secrets configs"
)
"""Fields that hold names, images and paths: a secret that happens to equal one of these is no secret there."""
_MIN_LENGTH = 4  # characters; shorter known secrets are hidden where they stand alone
_MARK = re.compile(r"‹secret [0-9a-f]{8}›")

_PUBLIC_WORDS = word_set(
    "domain host hostname port ports url uri tz timezone version tag image path dir directory root log level "
    "loglevel debug mode env environment stage network subnet gateway name project uid gid puid pgid user locale "
    "lang language enabled enable region zone replicas memory cpu cpus interval timeout retention size limit "
    "platform arch"
)
_PUBLIC_VALUE = re.compile(
    r"(?i)true|false|yes|no|on|off|null|none|auto|always|never|default|latest|stable"
    r"|trace|debug|info|warn(?:ing)?|error|fatal|critical|prod(?:uction)?|dev(?:elopment)?|test(?:ing)?|staging|local"
    r"|[0-9]{1,5}|[0-9.]+ ?[kmgt]?i?b?|[0-9]+(?:ms|[smhd])|v?[0-9]+(?:\.[0-9]+){1,3}(?:[-+.][a-z0-9.]{1,20})?"
    r"|[a-z]+/[a-z_]+(?:/[a-z_]+)?|[a-z]{2}_[a-z]{2}(?:\.utf-?8)?|utc|localhost"
    r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?(?::[0-9]{1,5})?"
    r"|(?:\.{0,2}/|~/|[a-z]:[\\/])[^\s:@]*|https?://[^\s@?]+"
)

_NAMED = re.compile(
    r"""(?P<name>-{0,2}[A-Za-z][\w.-]*)["']?(?P<sep>\s*[=:]\s*|\s+)(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s]+)"""
)
_XML = re.compile(r"<(?P<name>[A-Za-z][\w.-]*)>(?P<value>[^<]+)</")
_SHELL = re.compile(
    r"(?:\s|^)(?:-u|--user)[ =]?[^\s:]+:(?P<user>\S+)"
    r"|\b(?:mysql|mysqladmin|mysqldump|mariadb|mariadb-admin|mariadb-dump)\b[^|;&]*?\s-p(?P<mysql>[^\s]+)"
    r"|\b(?:redis-cli|valkey-cli)\b[^|;&]*?\s-a\s+(?P<redis>\S+)"
    r"|\bsshpass\s+-p\s*(?P<ssh>\S+)"
    r"|(?i:\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|token|bearer)\s+)(?P<header>[^\s\"']+)"
)


class KnownSecrets(NamedTuple):
    """Values that a stack read from files, and where they are hidden. Built by `known_from`."""

    everywhere: frozenset[str] = frozenset()
    in_free_text: frozenset[str] = frozenset()
    environment: frozenset[tuple[str, str]] = frozenset()  # (service, variable) that an env_file set


NOTHING_KNOWN = KnownSecrets()


def known_from(
    variables: Iterable[tuple[str, str]], *, environment: Iterable[tuple[str, str]] = (), whole: Iterable[str] = ()
) -> KnownSecrets:
    """Collect what has to be hidden of a stack's files.

    `variables` are (name, value) of every env file and `.env`; `environment` are the (service, variable) that
    were set by an env_file; `whole` are texts that are secret altogether, such as a secret file's content.
    """
    everywhere: set[str] = set()
    free: set[str] = set()
    for name, value in variables:
        if not value or _is_public(name, value):
            continue
        (everywhere if is_secret_under(name, value) or looks_secret(value) else free).add(value)
    everywhere.update(text.strip() for text in whole)
    return KnownSecrets(_spellings(everywhere), _spellings(free), frozenset(environment))


def _is_public(name: str, value: str) -> bool:
    if is_secret_under(name, value) or looks_secret(value):
        return False
    words = re.split(r"[^a-z]+", name.lower())
    return bool(_PUBLIC_VALUE.fullmatch(value)) or any(word in _PUBLIC_WORDS for word in words)


def _spellings(values: Iterable[str]) -> frozenset[str]:
    """Each value as it is, line by line, and as JSON, URLs, compose files and base64 spell it."""
    found = set()
    for value in values:
        found.add(value)
        found.update(line.strip() for line in value.splitlines() if len(line.strip()) >= 8)
        if len(value) >= _MIN_LENGTH:
            found |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
            raw = value.encode("utf-8", "surrogatepass")  # what is not UTF-8 in a file must not stop the search
            found |= {quote(raw, safe=""), value.replace("$", "$$"), base64.b64encode(raw).decode().rstrip("=")}
    return frozenset(found - {""})


class Redactor:
    """Replace secrets by marks such as `‹secret 3fa91c22›`, keyed by `secret_key`."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = secret_key

    @property
    def fingerprint(self) -> str:
        """Identify the key without revealing anything about it."""
        return hmac.new(self._key, b"which key is this", hashlib.sha256).hexdigest()[:16]

    def mark(self, secret: str) -> str:
        """The mark of `secret`. Equal secrets have equal marks, and the mark of a mark is itself."""
        if _MARK.fullmatch(secret):
            return secret
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"‹secret {digest[:8]}›"

    def text(self, text: str, known: KnownSecrets = NOTHING_KNOWN) -> str:
        """Redact any text: a log, an error, a configuration file."""
        values = known.everywhere | known.in_free_text
        return self._replace(text, _named_spans(text) + find_shaped(text) + _known_spans(text, values))

    def shown(self, text: str, known: KnownSecrets = NOTHING_KNOWN) -> str:
        """Redact a text of a plan, whose values were redacted before: what is known or has a secret's shape."""
        return self._replace(text, find_shaped(text, free=False) + _known_spans(text, known.everywhere))

    def setting(self, name: str, value: str, known: KnownSecrets = NOTHING_KNOWN) -> str:
        """Redact the value of the variable `name`."""
        return self._value(value, name, known, free=True)

    def key(self, key: str) -> str:
        """Redact a key of the model: only what has a secret's own shape, because names are no secrets."""
        return self._replace(key, find_shaped(key, free=False))

    def model(self, model: Mapping[str, Any], known: KnownSecrets = NOTHING_KNOWN) -> dict[str, Any]:
        """Redact compose's model; the copy has its keys sorted."""
        walked = self._walk(dict(model), "", known, free=False)
        services = model.get("services")
        for service, name in sorted(known.environment):
            before = ((services or {}).get(service) or {}).get("environment") or {}
            if isinstance(before, dict) and isinstance(before.get(name), str) and before[name]:
                walked["services"][service]["environment"][name] = self.mark(before[name])
        return walked  # type: ignore[no-any-return]  # a mapping goes in, so a dict comes out

    def _walk(self, value: Any, name: str, known: KnownSecrets, *, free: bool) -> Any:
        free = free or name in _FREE or name.startswith("x-")
        match value:
            case dict():
                return {
                    str(key): self._walk(item, str(key), known, free=free)
                    for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))
                }
            case list() if name in _ARGUMENTS:
                return self._arguments(value, known)
            case list():
                under = "" if name == "secrets" else name  # references to secrets, by their public names
                return [self._walk(item, under, known, free=free) for item in value]
            case str():
                return self._value(value, name, known, free=free)
            case int() | float() if not isinstance(value, bool) and is_secret_under(name, str(value)):
                return self.mark(str(value))
        return value

    def _value(self, value: str, name: str, known: KnownSecrets, *, free: bool) -> str:
        if is_secret_under(name, value):
            return self.mark(value)
        spans = find_shaped(value, name=name, free=free)
        if free or name not in _NAMES:
            spans += _known_spans(value, known.everywhere | known.in_free_text if free else known.everywhere)
        if free:
            spans += _named_spans(value)
        return self._replace(value, spans)

    def _arguments(self, words: list[Any], known: KnownSecrets) -> list[Any]:
        """Redact an argument list: what follows `--password`, and `--password=x` after the `=`."""
        done: list[Any] = []
        expected = False
        for word in words:
            text = str(word)
            flag, equals, rest = text.partition("=")
            if expected and not text.startswith("-"):
                done.append(self.mark(text))
            elif equals and re.fullmatch(r"-{0,2}[\w.-]+", flag) and is_secret_under(flag, rest):
                done.append(f"{flag}={self.mark(rest)}")
            else:
                done.append(self._walk(word, "", known, free=True))
            expected = bool(re.fullmatch(r"--?[\w.-]{2,}", text)) and is_secret_name(text)
        joined = " ".join(str(word) for word in words)
        for span in _shell_spans(joined):
            secret = joined[slice(*span)]
            done = [word.replace(secret, self.mark(secret)) if isinstance(word, str) else word for word in done]
        return done

    def _replace(self, text: str, spans: list[tuple[int, int]]) -> str:
        kept = [match.span() for match in _MARK.finditer(text)]
        out, at = [], 0
        for start, end in _joined(spans):
            if any(start < k_end and k_start < end for k_start, k_end in kept):
                continue
            out += [text[at:start], self.mark(text[start:end])]
            at = end
        return "".join([*out, text[at:]])


def redact_text(text: str, *, secret_key: bytes, known_secrets: Iterable[str] = ()) -> str:
    """Redact `known_secrets`, and whatever looks like a secret, in `text`: for logging filters."""
    return Redactor(secret_key).text(text, known_from((), whole=known_secrets))


def _known_spans(text: str, values: Iterable[str]) -> list[tuple[int, int]]:
    spans = []
    for value in values:
        at = text.find(value)
        while at >= 0:
            end = at + len(value)
            alone = not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum())
            if len(value) >= _MIN_LENGTH or alone:
                spans.append((at, end))
            at = text.find(value, at + 1)
    return spans


def _named_spans(text: str) -> list[tuple[int, int]]:
    spans = _shell_spans(text)
    for match in _XML.finditer(text):
        if is_secret_under(match["name"], match["value"]):
            spans.append(match.span("value"))
    at = 0
    while found := _NAMED.search(text, at):
        # The value may itself be a name ("command: --password x"), so only a hidden one is skipped.
        at = found.end("name")
        separated_by_space = found["sep"].isspace()
        value = found["value"]
        if separated_by_space and not (found["name"].startswith("-") or _starts_line(text, found.start())):
            continue
        if separated_by_space and value[0] in "-=:":
            continue
        if is_secret_under(found["name"], value.strip("\"'")):
            quoted = value[0] in "\"'"
            spans.append((found.start("value") + quoted, found.end("value") - quoted))
            at = found.end()
    return spans


def _starts_line(text: str, at: int) -> bool:
    """Whether only blanks stand before `at` on its line, and the text has lines: `requirepass hunter2`."""
    before = text.rfind("\n", 0, at)
    return "\n" in text and not text[before + 1 : at].strip()


def _shell_spans(text: str) -> list[tuple[int, int]]:
    return [
        match.span(group)
        for match in _SHELL.finditer(text)
        for group in ("user", "mysql", "redis", "ssh", "header")
        if match.group(group)
    ]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
