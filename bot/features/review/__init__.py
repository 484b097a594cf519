"""Which pull requests need a review, by the rules of the base's fleet file, and auto-merge where it is allowed.

Woken by reviews, by events of pull requests, and whenever open pull requests are listed. On GitHub it keeps the check
`aios/review` and switches auto-merge.
"""
