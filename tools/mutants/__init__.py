"""Mutation testing of the pure code: mutmut's operators, `tests/unit`, one forked process per mutant.

docs/decisions/mutation-testing.md says why mutmut's own runner is not used.
"""
