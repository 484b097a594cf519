#!/bin/sh
# Joins this machine to a fleet: installs git and Python where they are missing and aios-bot into a folder of its own,
# then runs `aios-bot node join`. Arguments: the invitation, and what pip installs. Safe to run again.
set -eu

invitation=$1
program=$2

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

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; elif has sudo; then sudo "$@"; else die "this needs root: $*"; fi
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
    if has "$candidate" && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
}

if [ -n "${AIOS_BOT_NODE_STATE:-}" ]; then
  home=$AIOS_BOT_NODE_STATE
elif [ -n "${PREFIX:-}" ]; then
  home=$PREFIX/var/lib/aios-bot-node
else
  home=/var/lib/aios-bot-node
fi

has git || install_packages git
python=$(good_python)
if [ -z "$python" ]; then
  if [ -n "${PREFIX:-}" ]; then install_packages python; else install_packages python3 python3-venv; fi
  python=$(good_python)
fi
[ -n "$python" ] || die "Python 3.11 or newer is missing: install it, then paste the command again"

if [ ! -d "$home" ]; then
  mkdir -p "$home" 2>/dev/null || as_root install -d -m 0700 -o "$(id -un)" "$home"
fi
[ -w "$home" ] || die "$home belongs to another user: run this as its owner, who also runs the runner"

if has aios-bot; then
  bot=aios-bot
else
  bot=$home/program/bin/aios-bot
  # Another program than the one that is there replaces it: pasting the command again upgrades the node.
  if [ ! -x "$bot" ] || [ "$(cat "$home/program/installed" 2>/dev/null)" != "$program" ]; then
    say "installing aios-bot into $home/program"
    "$python" -m venv --clear "$home/program"
    "$home/program/bin/python" -m pip install --quiet --disable-pip-version-check "$program"
    printf '%s' "$program" >"$home/program/installed"
  fi
fi
# The terminal, if there is one: git may prompt for a user name and a password.
if [ -r /dev/tty ] && (: </dev/tty) 2>/dev/null; then
  exec "$bot" node join "$invitation" --state "$home" </dev/tty
fi
exec "$bot" node join "$invitation" --state "$home" </dev/null
