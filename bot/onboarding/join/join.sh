#!/bin/sh
# Joins this machine to a fleet: installs git and Python where they are missing and aios-bot into a folder of its own,
# then runs `aios-bot node join`. Argument: the invitation, which pins the program by a hash. Safe to run again.
set -eu

invitation=$1

say() { printf '%s\n' "aios-bot: $*" >&2; }
die() {
  say "$*"
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

if [ "$(id -u)" -eq 0 ] && [ -z "${RUNNER_ALLOW_RUNASROOT:-}" ]; then
  say "GitHub's runner refuses to run as root. Paste the command as a user who may use Docker"
  say "(useradd -m -G docker deploy && su - deploy), or, where jobs may be root, run this first:"
  die "export RUNNER_ALLOW_RUNASROOT=1"
fi

# Said before anything is changed: what has no wheels, and a git or a Python that is too old with none to be had.
machine=$(uname -m)
case $machine in
  x86_64 | amd64 | aarch64 | arm64) bits=$(getconf LONG_BIT 2>/dev/null || echo 64) ;;
  *) bits=32 ;;
esac
[ "$bits" = 64 ] || die "there is no aios-bot for this machine ($machine): it runs on 64-bit x86 and ARM"

instead=
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; elif has sudo; then sudo "$@"; else die "root has to run this, then paste the command again: $*$instead"; fi
}

install_packages() {
  if has pkg && [ -n "${PREFIX:-}" ]; then
    pkg install -y "$@"
  elif has apt-get; then
    say "installing $*"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "$@"
  else
    die "install these, then paste the command again: $*"
  fi
}

good_python() {
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if has "$candidate" && "$candidate" -c "$probe" 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
}
probe='import sys, venv
sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython" or sys.maxsize < 2**32)'

offered_python() {
  if has pkg && [ -n "${PREFIX:-}" ]; then
    echo 3.11
  elif has apt-cache; then
    apt-cache policy python3 2>/dev/null | sed -n 's/^ *Candidate: *\(3\.[0-9]*\).*/\1/p'
  fi
}

# The version of git that is here, else of the one that the system would install.
git_version() {
  if has git; then
    git --version | sed -n 's/^git version \([0-9.]*\).*/\1/p'
  elif has apt-cache; then
    apt-cache policy git 2>/dev/null | sed -n 's/^ *Candidate: *\(1:\)*\([0-9.]*\).*/\2/p'
  fi
}

if [ -n "${AIOS_BOT_NODE_STATE:-}" ]; then
  home=$AIOS_BOT_NODE_STATE
elif [ -n "${PREFIX:-}" ]; then
  home=$PREFIX/var/lib/aios-bot-node
else
  home=/var/lib/aios-bot-node
fi

git=$(git_version)
case $git in
  [01].* | 2.[0-9].* | 2.[12][0-9].* | 2.30.*)
    die "git $git is too old: install 2.31 or newer, then paste the command again"
    ;;
esac
python=$(good_python)
if [ -z "$python" ]; then
  case $(offered_python) in
    3.[0-9] | 3.10)
      die "Python 3.11 or newer is missing, and this system offers an older one: install one beside it as python3.11"
      ;;
  esac
fi
has git || install_packages git
if [ -z "$python" ]; then
  if [ -n "${PREFIX:-}" ]; then install_packages python; else install_packages python3; fi
  python=$(good_python)
fi
[ -n "$python" ] || die "Python 3.11 or newer is missing: install it, then paste the command again"

if [ ! -d "$home" ]; then
  instead="; or choose a folder of your own: export AIOS_BOT_NODE_STATE=$HOME/aios-bot-node"
  (umask 077 && mkdir -p "$home") 2>/dev/null || as_root install -d -m 0700 -o "$(id -un)" "$home"
fi
[ -w "$home" ] || die "$home belongs to another user: run this as its owner, who also runs the runner"

# By hashes, wheels only, beside what is there: bot/agent/installer.py. It does nothing if the invitation names none.
"$python" -I - "$invitation" "$home/program" <<'AIOS_BOT_INSTALLER'
@INSTALLER@
AIOS_BOT_INSTALLER

if [ -x "$home/program/aios-bot" ]; then
  bot=$home/program/aios-bot
elif has aios-bot; then
  bot=aios-bot
else
  die "this invitation names no program, and aios-bot is not installed here: install it, then paste the command again"
fi
# The terminal, if there is one: git may prompt for a user name and a password.
if [ -r /dev/tty ] && (: </dev/tty) 2>/dev/null; then
  exec "$bot" node join "$invitation" --state "$home" </dev/tty
fi
exec "$bot" node join "$invitation" --state "$home" </dev/null
