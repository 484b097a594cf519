"""Attacks on the approval: each states what a success would be, and that a weakened build falls to it."""
