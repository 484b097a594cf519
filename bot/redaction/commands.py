"""Find passwords that well-known commands take: `mysql -px`, `redis-cli -a x`, `htpasswd -b file user x`. Pure."""

from __future__ import annotations

import re

_USER = re.compile(r"(?:(?<=\s)|^)(?:-u|--user)[ =]?[\"']?[^\s:\"']*:(?P<secret>[^\s\"']+)")
_HEADER = re.compile(
    r"(?i)\bauthorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:(?:basic|token|bearer|digest)\s{1,9})(?P<secret>[^\s\"']+)"
)
# `echo x | docker login --password-stdin`; a variable in its place is none.
_PIPED = re.compile(
    r"\b(?:echo|printf)\s{1,9}(?:-[neE]{1,3}\s{1,9})?[\"']?(?!\$)(?:[\w.@-]{1,64}:(?=[^|\n]{1,300}\|[^|\n]{0,64}chpasswd))?"
    r"(?P<secret>[^\s\"'|]{1,256})[\"']?\s{0,9}\|"
    r"(?=[^|;&\n]{0,64}\bchpasswd|[^|;&\n]{0,200}\s--(?:password-)?stdin\b|\s{0,9}sudo\s{1,9}-S\b)"
)
_OPENSSL = re.compile(r"(?<=\s)-pass(?:in|out)?\s{1,9}[\"']?pass:(?P<secret>[^\s\"']+)")
_LOGIN_OF_RSYNC = re.compile(r"[\"']?[\w.-]{1,64}:([^\s\"'@/][^\s\"'@]*)@(?!sha[0-9])[\w.-]")
_NEXT_WORD = re.compile(r"\s+[\"']?([^\s\"']+)")
_JOINED = re.compile(r"[\"']?([^\s\"']+)")  # `-p x` is no password there
_EITHER = re.compile(r"\s*[\"']?([^\s\"']+)")
_BEHIND_PERCENT = re.compile(r"\s*[\"']?[^\s%\"']{1,128}%([^\s\"']+)")
_BEHIND_COMMA = re.compile(r"\s*[\"']?[^\s,\"']{1,128},([^\s\"']+)")
_OPTIONS = {
    **dict.fromkeys(("mysql", "mysqladmin", "mysqldump", "mysqlcheck"), ("-p", _JOINED)),
    **dict.fromkeys(("mariadb", "mariadb-admin", "mariadb-dump", "mariadb-check"), ("-p", _JOINED)),
    **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli"), ("-a", _NEXT_WORD)),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"), ("-p", _EITHER)),
    **dict.fromkeys(("rabbitmqadmin", "sshpass", "cqlsh", "docker login", "podman login"), ("-p", _EITHER)),
    **dict.fromkeys(("sqlcmd", "mosquitto_pub", "mosquitto_sub", "ipmitool"), ("-P", _EITHER)),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami", "ldappasswd"), ("-w", _EITHER)),
    **dict.fromkeys(("7z", "7za", "unrar"), ("-p", _JOINED)),
    **dict.fromkeys(("zip", "unzip", "zipcloak"), ("-P", _NEXT_WORD)),
    **dict.fromkeys(("smbclient", "smbget", "rpcclient", "smbcacls"), ("-U", _BEHIND_PERCENT)),
    "lftp": ("-u", _BEHIND_COMMA),
    "openssl": ("-k", _NEXT_WORD),
}
_LAST_WORD = ("htpasswd -[A-Za-z]{0,8}b", "mosquitto_passwd -b", "rabbitmqctl (?:add_user|change_password)")
_BY_PLACE = {"mc alias set": 3, "mc config host add": 3, "mcli alias set": 3}
_SHELL = re.compile(
    rf"(?<![\w.-])(?:(?P<command>{'|'.join(sorted(map(re.escape, _OPTIONS), reverse=True))})(?![\w.-])"
    rf"|(?P<last>(?:{'|'.join(_LAST_WORD)}))|(?P<place>{'|'.join(_BY_PLACE)})(?![\w.-])|(?P<rsync>rsync)(?=\s))"
    r"|(?<=\s)(?P<option>-[apPwUuk])|(?P<end>[|;&])"
)
_ITS_WORDS = re.compile(r"[^|;\n]{1,500}")  # a password may hold an ampersand
_A_WORD = re.compile(r"\S+")
_TO_THE_END = re.compile(r"[^|;&<>\n]{1,500}")

Spans = list[tuple[int, int]]


def find_in_commands(text: str) -> Spans:
    """Find passwords in command lines, as (start, end)."""
    patterns = (_USER, _HEADER, _PIPED, _OPENSSL)
    spans = [found.span("secret") for pattern in patterns for found in pattern.finditer(text)]
    command, done = "", 0
    for found in _SHELL.finditer(text):
        if found.start() < done:
            continue
        if found["last"]:
            done = _add_last_word(text, found.end(), spans)
        elif found["place"] or found["rsync"]:
            done = _add_by_place(text, found.end(), _BY_PLACE.get(found["place"]), spans)
        elif found["command"] or found["end"]:
            command = found["command"] or ""
        elif command and found["option"]:
            option, argument = _OPTIONS[command]
            if option == found["option"] and (password := argument.match(text, found.end())):
                spans.append(password.span(1))
                command, done = "", password.end()
    return spans


def _add_last_word(text: str, start: int, spans: Spans) -> int:
    """Add the last word of the command that goes on at `start`; where it ends."""
    rest = _TO_THE_END.match(text, start)
    words = rest[0].split() if rest else []
    if not rest or len(words) < 2:
        return start
    at = start + rest[0].rindex(words[-1])
    quoted = words[-1][0] in "\"'" and len(words[-1]) > 2
    spans.append((at + quoted, at + len(words[-1]) - quoted))
    return rest.end()


def _add_by_place(text: str, start: int, place: int | None, spans: Spans) -> int:
    """Add the word at `place` of the command that goes on at `start`; None: the logins of rsync. Where it ends."""
    rest = _ITS_WORDS.match(text, start)
    if not rest:
        return start
    for at, word in enumerate(_A_WORD.finditer(text, *rest.span())):
        login = _LOGIN_OF_RSYNC.match(text, *word.span()) if place is None else None
        if login:
            spans.append(login.span(1))
        elif at == place:
            quoted = word[0][0] in "\"'" and len(word[0]) > 2
            spans.append((word.start() + quoted, word.end() - quoted))
            return word.end()
    return rest.end()
