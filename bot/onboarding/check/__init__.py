"""Check that a bot, its App, its installations and its fleets fit together: `aios-bot check`."""
