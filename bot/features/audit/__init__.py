"""The audit trail: who commanded, approved, locked and deployed what, and when.

Other features append to it as they act; `aios-bot audit export` reads it. The database refuses any change of it.
"""
