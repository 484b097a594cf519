"""What people write in a pull request (`/deploy HP_LAB`) or press on a check: decided once, carried out, answered.

Woken by comments, buttons, the end of a pull request and of orders. On GitHub it reacts to the comment, keeps one
reply, dispatches orders, and opens the pull request that moves a pin back.
"""
