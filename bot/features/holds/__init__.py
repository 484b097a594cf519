"""Locks that keep other pull requests off a node, and holds that keep a pin where it is.

Commands set and end them; bumps, rollouts and commands obey them. They change nothing on GitHub.
"""
