"""Sign bytes, and check signatures: DSSE envelopes (github.com/secure-systems-lab/dsse) with Ed25519 keys.

What the bytes mean is the caller's matter. `keys` and `verify` import nothing of `cryptography`, and work without it.
"""
