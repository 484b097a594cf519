"""What deserves a person's attention in a change, by rules with stable ids. Pure.

`catalogue.py` lists the rules; each of the other modules holds the checks of one kind. A rule speaks of what the
change brings: what was so before, and stays so, is not said again on every bump.
"""
