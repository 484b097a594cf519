"""Recognise secrets: by the name of the variable, and by the shape of the value. Pure.

The two possible errors differ in cost: a secret that was shown cannot be taken back, while a public value that is
hidden still compares as changed. So names match broadly, and shapes only where they are unmistakable.
"""

from __future__ import annotations

import base64
import re

from bot.redaction.addresses import find_in_addresses


def word_set(words: str) -> frozenset[str]:
    """Split a text into its words, for tables that read better as prose."""
    return frozenset(words.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PLAIN = word_set(
    "password passwd passphrase passwort secret credential apikey privatekey accesskey passcode passkey passcommand "
    "motdepasse contrasena wachtwoord kennwort"
)
_WHOLE = word_set("pwd pw psk pat dsn salt pepper jwt hmac otp totp mnemonic rootpw masterauth puk senha")
_ENDING = re.compile(r"tokens?$|(?<!by)(?<!com)(?<!over)(?<!under)(?<!sur)(?<!tres)pass$")
_LAST = word_set("key keys auth authkey cookie authorization rcon")  # only where the name ends with them
_CODES = word_set("backup recovery access security pairing unlock activation invite login master pin alarm")
_PIN = re.compile(r"[0-9]{4,12}")
_PUBLIC_BEFORE_KEY = word_set("public pub host known")
_REFERENCE = word_set("file files path dir directory folder")  # PASSWORD_FILE: the value is where it lies
_ABOUT = word_set(
    "id name names url uri endpoint host port header issuer audience type algorithm alg ttl expiry expires "
    "expiration lifetime timeout length size count min max limit enabled enable disabled required policy prefix "
    "suffix version provider backend driver engine store mount rotation interval user username email rounds method "
    "mode ref refs"
)
_NEUTRAL_VALUE = re.compile(
    r"(?i)(true|false|yes|no|on|off|none|null|basic|digest|oauth2?|oidc|saml|ldap|enabled|disabled|required|optional|)"
)
# A variable's name in its place, as `$API_KEY`; `xxxx-xxxx` of an example.
_PLACEHOLDER = re.compile(
    r"\$?\$(?:[A-Z][A-Z0-9_]{2,63}|\{[A-Z][A-Z0-9_]{2,63}(?::?\?[^{}]{0,256})?\})|(?=[^xX*]{0,12}[xX*]{4})[xX*_.-]{8,}"
)
# Without "=": a path that holds another setting is none.
_PATH = re.compile(r"(?:\.{0,2}/|~/|[A-Za-z]:[\\/])[^\s:@=]*|[\w.-]++(?:/[\w.-]++)++|[\w-]+\.[a-z]{2,5}")


# Where a key lies; in base64 a key may hold slashes, but none begins like this.
_KEY_FILE = re.compile(
    r"(?:\.{1,2}/|~/|/|[A-Za-z]:[\\/])?(?:[\w.-]++[\\/])*+[\w.-]+\.(?:pem|key|crt|cer|der|p12|pfx|jks|ppk)"
    r"|/(?:run/secrets|etc|certs?|ssl|tls|var|opt|srv|usr|root|home|data|config|mnt)/[\w./-]+"
)
_LOGIN = re.compile(r"[^\s:$]{1,128}:[^$]+")  # hashes are found by their shape
_READS_FILE = re.compile(r"cat\s{1,9}[\w./~-]+")


def is_secret_name(name: str) -> bool:
    """Whether values named `name` are secret: `DB_PASSWORD`, `apiKey`, `--auth-token`; not `KEYCLOAK_URL`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or name.upper() == "PWD":
        return False
    if words[-1] in _ABOUT and words[-2:] not in (["secret", "id"], ["token", "id"]):  # Vault's
        return False
    if words[-1] in _LAST:
        return not (len(words) > 1 and words[-2] in _PUBLIC_BEFORE_KEY)
    if words[-1] in ("code", "codes") and len(words) > 1 and words[-2] in _CODES:
        return True
    if words[-2:] == ["snmp", "community"] or words[-1] in ("rocommunity", "rwcommunity"):
        return True
    if any(word in _WHOLE or _ENDING.search(word) for word in words):
        return True
    joined = "".join(words)
    return any(plain in joined for plain in _PLAIN) or ("key" in words and words[-1] in ("pem", "hex", "data"))


def may_name_secret(name: str) -> bool:
    """Whether a value named `name` may be secret: by the name alone, or because it is a PIN or a password, too."""
    return is_secret_name(name) or name.upper() == "PWD" or name.lower().endswith("pin")


def is_secret_under(name: str, value: str) -> bool:
    """Whether `value` is secret because of its name."""
    if _NEUTRAL_VALUE.fullmatch(value) or _PLACEHOLDER.fullmatch(value):
        return False
    last = (_WORDS.findall(name) or [""])[-1].lower()
    if last == "pin" and _PIN.fullmatch(value):
        return True
    if name.upper() == "PWD":  # of a connection string; a shell's is a path
        return not _PATH.fullmatch(value) and not value.startswith(("$", "/"))
    if not is_secret_name(name):
        return last in ("user", "users") and bool(_LOGIN.fullmatch(value)) and "basicauth" in _joined(name)
    if "passcommand" in _joined(name) and _READS_FILE.fullmatch(value):
        return False
    if last in _REFERENCE:
        return not _PATH.fullmatch(value)
    return not (_joined(name).endswith(("key", "keypem")) and _KEY_FILE.fullmatch(value))


def _joined(name: str) -> str:
    return "".join(_WORDS.findall(name)).lower()


_TOKENS = re.compile(
    r"""
      \bgh[pousr]_[A-Za-z0-9._-]{20,}          # GitHub; installation tokens carry dots
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_.-]{16,}
    | \b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}
    | \beyJ[A-Za-z0-9+/_-]{40,}={0,2}          # JSON in base64: tunnel and registry tokens
    | \bxox[abeoprs]-[A-Za-z0-9-]{8,}
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}
    | \bAIza[A-Za-z0-9_-]{30,}
    | \bya29\.[A-Za-z0-9_-]{20,}
    | \bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}
    | \b(?:sk-|(?:hf|npm|pypi|dckr_pat|dop_v1|doo_v1|shpat|shpss|glsa|glc|tskey)[_-])(?P<mixed>[A-Za-z0-9_-]{16,})
    | \bhv[sbr]\.[A-Za-z0-9_-]{16,}            # Vault
    | \b[sbr]\.[A-Za-z0-9]{24}\b               # Vault before 1.10
    | \bAGE-SECRET-KEY-[A-Z0-9]{20,}
    | \b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b        # Telegram bots
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/_-]+
    | (?<=hooks\.slack\.com/triggers/)[A-Za-z0-9/_-]+
    | (?<=hooks\.slack\.com/workflows/)[A-Za-z0-9/_-]+
    | (?:(?<=pushover://)|(?<=pover://))[^\s"'‹›]{8,}
    | (?:(?<=hc-ping\.com/)|(?<=/ping/))[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
    | (?<=[?&]sig=)[A-Za-z0-9%+/_-]{16,}=*    # Azure's shared access
    | \blin_(?:api|oauth)_[A-Za-z0-9]{16,}    # Linear
    | \bntn_[A-Za-z0-9]{16,}                  # Notion
    | (?<=/api/webhooks/)[0-9]{1,25}/[A-Za-z0-9_-]+
    | \${1,2}(?:apr1|2[abxy]?|[1567]|g?y|argon2(?:id?|d)|scrypt|pbkdf2(?:-sha[0-9]{1,3})?)\$[./A-Za-z0-9$=,+-]{8,}
    | \{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2(?:-SHA[0-9]{1,3})?)\}[A-Za-z0-9+/=$.]{20,}
    | \bpbkdf2_sha[0-9]{1,3}\$[0-9]{1,8}\$[A-Za-z0-9$+/=.]{20,}
    | \bSCRAM-SHA-[0-9]{1,3}\$[A-Za-z0-9$+/=:]{20,}
    | \bmd5[0-9a-f]{32}\b                      # PostgreSQL
    | \bclaim-[A-Za-z0-9_-]{16,}               # Plex
    | \bapi_org_[A-Za-z]{30,}
    | \bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9=._-]{30,}
    | \btk-us-[A-Za-z0-9-]{30,}
    | \bico-[A-Za-z0-9]{30,}
    | \bA3-[A-Z0-9]{6}-[A-Z0-9-]{20,}          # 1Password
    | (?<=sha256~)[A-Za-z0-9_-]{43}            # OpenShift
    | [A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}
    | (?i:(?<=bearer[ ]))[A-Za-z0-9._~+/=-]{8,}
    """,
    re.VERBOSE,
)
_EXAMPLE = re.compile(r"[A-Za-z0-9]{1,9}(?:[_-][a-z0-9]{1,7}){0,2}[_-](?:[xX]{4,128}(?:[_.-]|$)){1,6}")
_LONGEST_EXAMPLE = 160  # characters
_JWT = re.compile(r"\beyJ[A-Za-z0-9_.-]{11,}")
_BASIC = re.compile(r"(?i)\bbasic\s{1,9}([A-Za-z0-9+/]{6,}={0,2})")
_AWS = re.compile(r"(?=[^A-Z]{0,39}[A-Z])(?=[^a-z]{0,39}[a-z])(?=[^0-9]{0,39}[0-9])[A-Za-z0-9+/]{40}")
_UPPER_OR_DIGIT = re.compile(r"[A-Z0-9]")
_PEM_BEGIN = re.compile(
    r"-----BEGIN (?!CERTIFICATE|PUBLIC KEY)[A-Z0-9 ]{2,40}-----|---- BEGIN SSH2 [A-Z ]{0,20}PRIVATE KEY ----"
    r"|\bPrivate-Lines: [0-9]{1,4}\r?\n"  # PuTTY
)
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----|---- END [A-Z0-9 ]{1,60} ----|(?=\nPrivate-MAC:)")
_LONG = re.compile(r"[A-Za-z0-9_+/=-]{20,}")
_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{32,}+(?![0-9a-z])")
_DIGEST_BEFORE = re.compile(
    r"(?i)(?:sha(?:1|224|256|384|512)?|md5|blake2b|blake3)[:=-]$"
    r"|(?<![a-z])(?:checksum|digest|integrity|commit|revision|etag)[\"']?[ ]?[:=][ ]?[\"']?$"
)
_LONGEST_BEFORE = len("_integrity' = '")
_IN_FILE_NAME = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|css|m?js|map|woff2?)(?![A-Za-z0-9])")
_CONTENT_NAME = re.compile(r"(?i)commit|revision|sha|digest|checksum|hash|etag|version|image|tag")


def find_shaped(text: str, *, name: str = "", free: bool = True) -> list[tuple[int, int]]:
    """Find what has the shape of a secret in `text`, as (start, end).

    `free` means that the field takes any text, so long random strings count too; under names such as GIT_COMMIT
    a hexadecimal digest does not.
    """
    spans = _find_keys(text)
    spans += [match.span() for match in _TOKENS.finditer(text) if _is_token(match)]
    spans += [match.span() for match in _JWT.finditer(text) if _is_jwt(match.group())]
    spans += [match.span(1) for match in _BASIC.finditer(text) if _is_basic(match[1])]
    spans += find_in_addresses(text)
    if free:
        spans += [match.span() for match in _LONG.finditer(text) if _is_random(match)]
        if not _CONTENT_NAME.search(name):
            spans += [match.span() for match in _HEX.finditer(text) if not _is_digest(match)]
    return spans


def _find_keys(text: str) -> list[tuple[int, int]]:
    """Private keys in PEM, to their end or the text's."""
    spans: list[tuple[int, int]] = []
    begin = _PEM_BEGIN.search(text)
    while begin:
        end = _PEM_END.search(text, begin.end())
        spans.append((begin.start(), end.end() if end else len(text)))
        begin = _PEM_BEGIN.search(text, spans[-1][1])
    return spans


def _is_token(match: re.Match[str]) -> bool:
    """Whether what follows a token's start is one. Judged afterwards, so that nothing is read twice."""
    if len(match.group()) <= _LONGEST_EXAMPLE and _EXAMPLE.fullmatch(match.group()):
        return False
    return not match["mixed"] or bool(_UPPER_OR_DIGIT.search(match["mixed"]))


def _is_jwt(run: str) -> bool:
    """Whether two parts of `run` with a dot between them can be a token's head and body."""
    parts = run.split(".")
    heads = (len(part) - part.find("eyJ") >= 11 and "eyJ" in part for part in parts)
    return any(head and len(body) >= 2 for head, body in zip(heads, parts[1:], strict=False))


def _is_basic(word: str) -> bool:
    """Whether `word` is `user:password` in base64, as HTTP has it."""
    try:
        return b":" in base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
    except ValueError:
        return False


def looks_secret(value: str) -> bool:
    """Whether anything in `value` has the shape of a secret."""
    return bool(find_shaped(value))


def _is_digest(match: re.Match[str]) -> bool:
    """Whether it is called a digest, or stands in the name of a file of a web page, which builds put it into."""
    if (
        _IN_FILE_NAME.match(match.string, match.end())
        and "/" in match.string[max(0, match.start() - 128) : match.start()]
    ):
        return True
    before = match.string[max(0, match.start() - _LONGEST_BEFORE) : match.start()]
    return bool(_DIGEST_BEFORE.search(before))


def _is_random(match: re.Match[str]) -> bool:
    token = match.group()
    if _HEX.search(token) or _is_digest(match):
        return False
    is_aws = any(_AWS.fullmatch(part) and not part.startswith("/") for part in token.split("="))
    return is_aws or _looks_random(token, 20)


def _looks_random(token: str, length: int) -> bool:
    """Letters and digits alternate rarely in names that people choose, and often in random strings."""
    longest = max(re.split(r"[-_/=+]", token), key=len)
    return any(
        len(piece) >= length and len(_DIGITS.findall(piece)) >= 3 and not piece.isdigit()
        for piece in (longest, token)
        if piece is longest or (token.count("/") < 2 and token.count("-") + token.count("_") < 4)
    )
