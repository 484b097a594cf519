"""Markdown that hostile text cannot break out of, fitting into limits, markers, times. Pure."""
