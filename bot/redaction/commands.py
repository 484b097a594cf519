"""Find passwords that well-known commands take: `mysql -px`, `redis-cli -a x`, `htpasswd -b file user x`. Pure."""

from __future__ import annotations

import re

_USER = re.compile(r"(?:(?<=\s)|^)(?:-u|--user)[ =]?[\"']?[^\s:\"']*:(?P<secret>[^\s\"']+)")
_HEADER = re.compile(
    r"(?i)\bauthorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:(?:basic|token|bearer|digest)\s{1,9})(?P<secret>[^\s\"']+)"
)
_NEXT_WORD = re.compile(r"\s+[\"']?([^\s\"']+)")
_JOINED = re.compile(r"[\"']?([^\s\"']+)")  # `-p x` is no password there
_EITHER = re.compile(r"\s*[\"']?([^\s\"']+)")
_OPTIONS = {
    **dict.fromkeys(("mysql", "mysqladmin", "mysqldump", "mysqlcheck"), ("-p", _JOINED)),
    **dict.fromkeys(("mariadb", "mariadb-admin", "mariadb-dump", "mariadb-check"), ("-p", _JOINED)),
    **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli"), ("-a", _NEXT_WORD)),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"), ("-p", _EITHER)),
    **dict.fromkeys(("rabbitmqadmin", "sshpass", "cqlsh", "docker login", "podman login"), ("-p", _EITHER)),
    **dict.fromkeys(("sqlcmd", "mosquitto_pub", "mosquitto_sub", "ipmitool"), ("-P", _EITHER)),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami", "ldappasswd"), ("-w", _EITHER)),
    **dict.fromkeys(("7z", "7za", "unrar"), ("-p", _JOINED)),
}
_LAST_WORD = ("htpasswd -[A-Za-z]{0,8}b", "mosquitto_passwd -b", "rabbitmqctl (?:add_user|change_password)")
_SHELL = re.compile(
    rf"(?<![\w.-])(?:(?P<command>{'|'.join(sorted(map(re.escape, _OPTIONS), reverse=True))})(?![\w.-])"
    rf"|(?P<last>(?:{'|'.join(_LAST_WORD)})))|(?<=\s)(?P<option>-[apPw])|(?P<end>[|;&])"
)
_TO_THE_END = re.compile(r"[^|;&<>\n]{1,500}")

Spans = list[tuple[int, int]]


def find_in_commands(text: str) -> Spans:
    """Find passwords in command lines, as (start, end)."""
    spans = [found.span("secret") for pattern in (_USER, _HEADER) for found in pattern.finditer(text)]
    command, done = "", 0
    for found in _SHELL.finditer(text):
        if found.start() < done:
            continue
        if found["last"]:
            done = _add_last_word(text, found.end(), spans)
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
