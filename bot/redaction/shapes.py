"""Recognise secrets: by the name of the variable, and by the shape of the value. Pure.

The two possible errors differ in cost: a secret that was shown cannot be taken back, while a public value that is
hidden still compares as changed. So names match broadly, and shapes only where they are unmistakable.
"""

from __future__ import annotations

import re


def word_set(words: str) -> frozenset[str]:
    """Split a text into its words, for tables that read better as prose."""
    return frozenset(words.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PLAIN = ("password", "passwd", "passphrase", "passwort", "secret", "credential", "apikey", "privatekey", "accesskey")
_WHOLE = word_set("pass pwd pw psk pat dsn salt pepper jwt hmac otp totp mnemonic userpass rootpw")
_ENDING = re.compile(r"tokens?$|(?<!by)(?<!com)(?<!over)(?<!under)(?<!sur)(?<!tres)pass$")
_LAST = word_set("key keys auth authkey cookie")  # only where the name ends with them
_PUBLIC_BEFORE_KEY = word_set("public pub host known")
_REFERENCE = word_set("file files path dir directory folder")  # PASSWORD_FILE: the value is where it lies
_ABOUT = word_set(
    "id name names url uri endpoint host port header issuer audience type algorithm alg ttl expiry expires "
    "expiration lifetime timeout length size count min max limit enabled enable disabled required policy prefix "
    "suffix version provider backend driver engine store mount rotation interval user username email rounds method "
    "mode"
)
_NEUTRAL_VALUE = re.compile(r"(?i)(true|false|yes|no|on|off|none|null|basic|digest|oauth2?|oidc|saml|ldap|disabled|)")
_PATH = re.compile(r"(?:\.{0,2}/|~/|[A-Za-z]:[\\/])[^\s:@]*|[\w.-]+(?:/[\w.-]+)+|[\w-]+\.[a-z]{2,5}")


def is_secret_name(name: str) -> bool:
    """Whether values named `name` are secret: `DB_PASSWORD`, `apiKey`, `--auth-token`; not `KEYCLOAK_URL`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or name.upper() == "PWD":
        return False
    if words[-1] in _ABOUT and words[-2:] not in (["secret", "id"], ["token", "id"]):  # Vault's
        return False
    if words[-1] in _LAST:
        return not (len(words) > 1 and words[-2] in _PUBLIC_BEFORE_KEY)
    if any(word in _WHOLE or _ENDING.search(word) for word in words):
        return True
    joined = "".join(words)
    return any(plain in joined for plain in _PLAIN) or ("key" in words and words[-1] in ("pem", "hex"))


def is_secret_under(name: str, value: str) -> bool:
    """Whether `value` is secret because of its name."""
    if _NEUTRAL_VALUE.fullmatch(value) or not is_secret_name(name):
        return False
    last = _WORDS.findall(name)[-1].lower()
    return not (last in _REFERENCE and _PATH.fullmatch(value))


_TOKENS = re.compile(
    r"""
      \bgh[pousr]_[A-Za-z0-9._-]{20,}          # GitHub; installation tokens carry dots
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_.-]{16,}
    | \b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}
    | \beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{2,}){1,4}   # JWT
    | \beyJ[A-Za-z0-9+/_-]{40,}={0,2}          # JSON in base64: tunnel and registry tokens
    | \bxox[abeoprs]-[A-Za-z0-9-]{8,}
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}
    | \bsk-(?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{16,}
    | \bAIza[A-Za-z0-9_-]{30,}
    | \bya29\.[A-Za-z0-9_-]{20,}
    | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
    | \b(?:hf|npm|pypi|dckr_pat|dop_v1|doo_v1|shpat|shpss|glsa|glc|tskey)[_-](?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{16,}
    | \bhv[sbr]\.[A-Za-z0-9_-]{16,}            # Vault
    | \b[sbr]\.[A-Za-z0-9]{24}\b               # Vault before 1.10
    | \bAGE-SECRET-KEY-[A-Z0-9]{20,}
    | \b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b        # Telegram bots
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/_-]+
    | (?<=/api/webhooks/)[0-9]+/[A-Za-z0-9_-]+
    | \$(?:apr1|2[abxy]|5|6|argon2id?|y|1)\$[./A-Za-z0-9$=,+-]{8,}   # password hashes
    | \{SHA\}[A-Za-z0-9+/=]{20,}
    | (?i:(?<=bearer[ ]))[A-Za-z0-9._~+/=-]{8,}
    """,
    re.VERBOSE,
)
_PEM = re.compile(
    r"-----BEGIN (?!CERTIFICATE|PUBLIC KEY)[A-Z0-9 ]{2,40}-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.S
)
_USERINFO = re.compile(
    r"""(?<=://)(?:[^\s/"'@:]*:(?P<password>[^\s/"']+)@|[^\s/"'@:]*:(?![0-9]+/)(?P<slashed>[^\s"']+)@)"""
)
_TOKEN_AS_USER = re.compile(r"""(?<=://)(?P<user>[^\s/"'@:‹›]{6,})@""")
_GO_DSN = re.compile(r"""\b[\w.-]+:(?P<password>[^\s@/"']+)@(?:tcp|unix)\(""")
_LONG = re.compile(r"[A-Za-z0-9_+/=-]{20,}")
_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{32,}(?![0-9a-z])")
_DIGEST_BEFORE = re.compile(r"(?i)(?:sha(?:1|224|256|384|512)|md5|blake2b|blake3)[:=-]$")
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CONTENT_NAME = re.compile(r"(?i)commit|revision|sha|digest|checksum|hash|etag|version|image|tag")


def find_shaped(text: str, *, name: str = "", free: bool = True) -> list[tuple[int, int]]:
    """Find what has the shape of a secret in `text`, as (start, end).

    `free` means that the field takes any text, so long random strings count too; under names such as GIT_COMMIT
    a hexadecimal digest does not.
    """
    spans = [match.span() for match in _PEM.finditer(text)]
    spans += [match.span() for match in _TOKENS.finditer(text)]
    if "@" in text:
        for pattern, groups in (
            (_USERINFO, ("password", "slashed")),
            (_TOKEN_AS_USER, ("user",)),
            (_GO_DSN, ("password",)),
        ):
            spans += [
                match.span(group)
                for match in pattern.finditer(text)
                for group in groups
                if match.group(group) and not (group == "user" and not _is_token_as_user(match.group(group)))
            ]
    if free:
        spans += [match.span() for match in _LONG.finditer(text) if _is_random(match)]
        if not _CONTENT_NAME.search(name):
            spans += [match.span() for match in _HEX.finditer(text) if not _is_digest(match)]
    return spans


def _is_token_as_user(user: str) -> bool:
    return len(user) >= 20 or (len(user) >= 10 and any(char.isdigit() for char in user))


def looks_secret(value: str) -> bool:
    """Whether anything in `value` has the shape of a secret."""
    return bool(find_shaped(value))


def _is_digest(match: re.Match[str]) -> bool:
    return bool(_DIGEST_BEFORE.search(match.string[: match.start()]))


def _is_random(match: re.Match[str]) -> bool:
    token = match.group()
    if _UUID.fullmatch(token) or _HEX.search(token) or _is_digest(match):
        return False
    return _looks_random(token, 20)


def _looks_random(token: str, length: int) -> bool:
    """Letters and digits alternate rarely in names that people choose, and often in random strings."""
    longest = max(re.split(r"[-_/=+]", token), key=len)
    return any(
        len(piece) >= length and len(_DIGITS.findall(piece)) >= 3 and not piece.isdigit()
        for piece in (longest, token)
        if piece is longest or (token.count("/") < 2 and token.count("-") + token.count("_") < 4)
    )
