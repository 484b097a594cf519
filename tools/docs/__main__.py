"""`python -m tools.docs`: write every reference page."""

from pathlib import Path

from tools.docs.pages import write_pages

write_pages(Path(__file__).parents[2])
