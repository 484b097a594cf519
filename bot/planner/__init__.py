"""Make plans: read two pins from git, render their stacks safely with compose, and compare them (bot.plan)."""
