"""Who may see a fleet's pages: people who signed in with GitHub, and machines with a token of the service's own.

A person's session ends by itself, by signing out, and when they revoke the App's authorisation on GitHub, which is
the one event that wakes this feature. It changes nothing on GitHub.
"""
