"""`python -m bot`: the same as the `aios-bot` command, for where that is not on PATH."""

from bot.cli.main import main

main()
