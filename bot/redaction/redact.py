"""Replace secrets by keyed fingerprints in everything that is shown or stored. Pure.

Equal secrets get equal marks, so that a plan can still say "changed" or "unchanged"; without `secret_key`
nothing can be guessed from a mark. Marks that leave the process are keyed once more, by their plan
(`marks_of_plan`): a guess in one pull request cannot be compared with a secret in another. What is hidden, and why:

- what an env_file put into a service's environment: always, whatever it looks like;
- values of `.env` and of env files wherever else they turn up: everywhere when their name or shape says secret;
  in free text (environment, labels, commands, inline configs ...) unless they are obviously public, such as
  `TZ=Europe/Berlin`; in names such as `image` only what is long or what a variable put there, for a plan would be
  useless without them;
- literals under names such as DB_PASSWORD, `--auth-token=...`, `user:password@` in addresses, and what has a
  secret's own shape (bot.redaction.recognise).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from bot.redaction.commands import find_in_commands
from bot.redaction.known import LONG_SECRET, NOTHING_KNOWN, KnownIndex, KnownSecrets, known_from
from bot.redaction.named import find_named
from bot.redaction.recognise import find_shaped, is_secret_name, is_secret_under, word_set

__all__ = [
    "LONG_SECRET",
    "NOTHING_KNOWN",
    "KnownSecrets",
    "Redactor",
    "is_free",
    "known_from",
    "redact_text",
    "without_marks",
]

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
"""Fields that hold names, images and paths: a short secret that happens to equal one of these is no secret there, but
one that a variable put there is."""
_MARK = re.compile(r"‹secret ([0-9a-f]{8})›")
_FLAG = re.compile(r"-{0,2}[\w.-]+")
_LONG_FLAG = re.compile(r"--?[\w.-]{2,}")


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

    def marks_of_plan(self, text: str, *plan: str) -> str:
        """`text` with every mark replaced by the one that stands for it in the plan that `plan` identifies.

        Within one plan equal secrets keep equal marks; the marks of two plans cannot be compared.
        """
        key = hmac.digest(self._key, "\0".join(("marks of a plan", *plan)).encode(), "sha256")
        return _MARK.sub(lambda mark: f"‹secret {hmac.digest(key, mark[1].encode(), 'sha256').hex()[:8]}›", text)

    def text(self, text: str, known: KnownSecrets = NOTHING_KNOWN) -> str:
        """Redact any text: a log, an error, a configuration file."""
        return self._replace(text, find_named(text) + find_shaped(text) + known.find(text, free=True))

    def shown(self, text: str, known: KnownSecrets = NOTHING_KNOWN) -> str:
        """Redact a text of a plan, whose values were redacted before: what is known or has a secret's shape."""
        return self._replace(text, find_shaped(text, free=False) + known.find(text, free=False))

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
        free = free or is_free(name)
        match value:
            case dict():
                return {
                    str(key): self._walk(item, _name_of(name, str(key)), known, free=free or key in _FREE)
                    for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))
                }
            case list() if name in _ARGUMENTS:
                return self._arguments(value, known)
            case list():
                under = "" if name == "secrets" else name  # references to secrets, by their public names
                return [self._walk(item, under, known, free=free) for item in value]
            case str():
                return self._value(value, name, known, free=free)
            case int() | float() if is_secret_under(name, str(value)):  # a truth value is no secret there
                return self.mark(str(value))
        return value

    def _value(self, value: str, name: str, known: KnownSecrets, *, free: bool) -> str:
        if is_secret_under(name, value):
            return self.mark(value)
        return self._replace(value, _spans(value, name, known, free=free))

    def _arguments(self, words: list[Any], known: KnownSecrets) -> list[Any]:
        """Redact an argument list: what follows `--password`, `--password=x` after the `=`, and `redis-cli -a x`."""
        texts = ["" if isinstance(word, dict | list) else str(word) for word in words]
        joined = " ".join(texts)
        passwords = deque(sorted(find_in_commands(joined)))  # each stands within one word
        repeated = KnownIndex(joined[slice(*span)] for span in passwords)
        done: list[Any] = []
        expected, start = "", 0  # the flag before, whose value comes now
        for word, text in zip(words, texts, strict=True):
            inside = []
            while passwords and passwords[0][0] < start + len(text):
                at, end = passwords.popleft()
                inside.append((at - start, end - start))
            start += len(text) + 1
            flag, equals, rest = text.partition("=")
            if not text.startswith("-") and is_secret_under(expected, text):
                done.append(self.mark(text))
            elif equals and _FLAG.fullmatch(flag) and is_secret_under(flag, rest):
                done.append(f"{flag}={self.mark(rest)}")
            elif isinstance(word, str):
                done.append(self._replace(word, inside + repeated.find(word) + _spans(word, "", known, free=True)))
            else:
                done.append(self._walk(word, "", known, free=True))
            expected = text if _LONG_FLAG.fullmatch(text) else ""
        return done

    def _replace(self, text: str, spans: list[tuple[int, int]]) -> str:
        marks = [match.span() for match in _MARK.finditer(text)]
        out, at, mark = [], 0, 0
        for start, end in _joined(spans):
            while mark < len(marks) and marks[mark][1] <= start:
                mark += 1
            if mark < len(marks) and marks[mark][0] < end:
                continue  # a mark stays as it is
            out += [text[at:start], self.mark(text[start:end])]
            at = end
        return "".join([*out, text[at:]])


def is_free(key: str) -> bool:
    """Whether what stands under `key` may be any text, and is searched for all that is known."""
    return key in _FREE or key.startswith("x-")


def _name_of(parent: str, key: str) -> str:
    """The name that says what stands at `key`: the content of a config called `api_token` is a token."""
    return parent if key == "content" and is_secret_name(parent) else key


def _spans(value: str, name: str, known: KnownSecrets, *, free: bool) -> list[tuple[int, int]]:
    spans = find_shaped(value, name=name, free=free)
    if free:
        return spans + known.find(value, free=True) + find_named(value)
    return spans + (known.find_in_name(value) if name in _NAMES else known.find(value, free=False))


def without_marks(text: str) -> str:
    """`text` with nothing that tells one hidden value from another: to compare it between plans."""
    return _MARK.sub("‹secret›", text)


def redact_text(text: str, *, secret_key: bytes, known_secrets: Iterable[str] = ()) -> str:
    """Redact `known_secrets`, and whatever looks like a secret, in `text`: for logging filters."""
    return Redactor(secret_key).text(text, known_from((), whole=known_secrets))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
