"""How the bot reaches GitHub: as whom, with which token, within which budget."""
