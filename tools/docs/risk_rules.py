"""The reference page of the risk rules, from their catalogue."""

from __future__ import annotations

from itertools import groupby

from bot.domain.risk_rules import RULES

_INTRODUCTION = """\
# Risk rules

What a plan marks, and why. A rule fires for what a change introduces, not for what stays as it was. A fleet sets the
severity of a rule by its id: `off`, `info`, `notice` or `risky`.

```yaml
# .github/aios-bot.yml
risks:
  exposure.port_published: risky
  image.unpinned: off
```

This page is made from the code by `make docs`."""


def render_risk_rules() -> str:
    """The reference page: a table for each kind of rule."""
    parts = [_INTRODUCTION]
    for kind, rules in groupby(RULES.values(), key=lambda rule: rule.id.partition(".")[0]):
        rows = [f"| `{rule.id}` | {rule.severity} | {rule.fires} | {rule.why} |" for rule in rules]
        head = ["| rule | severity | fires when | why it matters |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([f"## {kind}", "", *head, *rows]))
    return "\n\n".join(parts) + "\n"
