"""The reference page of the risk rules, from their catalogue."""

from __future__ import annotations

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

Every key of the Compose specification is harmless for a reason, judged by these rules, or named in the plan as
`schema.unjudged`; so is a key that a newer compose brings. `python -m bench risks --keys` prints which is which.

This page is made from the code by `make docs`."""


def render_risk_rules() -> str:
    """The reference page: a table for each kind of rule."""
    parts = [_INTRODUCTION]
    for kind in dict.fromkeys(rule.partition(".")[0] for rule in RULES):
        rules = [rule for rule in RULES.values() if rule.id.startswith(f"{kind}.")]
        rows = [f"| `{rule.id}` | {rule.severity} | {rule.fires} | {rule.why} |" for rule in rules]
        head = ["| rule | severity | fires when | why it matters |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([f"## {kind}", "", *head, *rows]))
    return "\n\n".join(parts) + "\n"
