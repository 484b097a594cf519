"""Messages to people outside GitHub: what needs them, and when it is over.

Woken by the clock: it reads the outbox, and sends what has stood there for two minutes by Apprise to the addresses of
the operator's settings. It changes nothing on GitHub.
"""
