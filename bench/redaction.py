"""How many secrets are hidden, and how many ordinary values stay readable: `python -m bench redaction`.

The samples of the project's own are in bench.redaction_samples; those of gitleaks, a scanner's kept rules, are data
under tests/unit/redaction/gitleaks.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

from bench.redaction_samples import ORDINARY, SAMPLES
from bot.redaction.redact import Redactor

REDACTOR = Redactor(b"key of a measurement")
GITLEAKS = Path(__file__).parents[1] / "tests/unit/redaction/gitleaks/samples.jsonl.gz"


def missed_samples() -> list[tuple[str, dict[str, Any]]]:
    """Our own samples whose secret is still there, with their kind."""
    return [
        (sample.kind, sample.model)
        for sample in SAMPLES
        if sample.secret in json.dumps(REDACTOR.model(sample.model), ensure_ascii=False)
    ]


def marked_ordinary() -> list[tuple[str, str]]:
    """Ordinary values that are not readable any more, with their kind."""
    return [
        (kind, value)
        for kind, values in ORDINARY.items()
        for value in values
        if REDACTOR.text(value) != value or REDACTOR.setting("ANYTHING", value) != value
    ]


def judge_gitleaks() -> tuple[Counter[str], list[str]]:
    """Counts over gitleaks' samples, and the rules of which a positive was not hidden."""
    counts: Counter[str] = Counter()
    missed = []
    for line in gzip.decompress(GITLEAKS.read_bytes()).decode().splitlines():
        sample = json.loads(line)
        counts[sample["kind"]] += 1
        hidden = REDACTOR.text(sample["text"])
        if sample["kind"] == "negative":
            counts["kept"] += hidden == sample["text"]
        elif min(sample["secrets"], key=len) in hidden:
            missed.append(sample["rule"])
        else:
            counts["caught"] += 1
    return counts, missed


def main() -> None:
    """Print the counts by kind."""
    missed, marked = Counter(kind for kind, _ in missed_samples()), Counter(kind for kind, _ in marked_ordinary())
    totals = Counter(sample.kind for sample in SAMPLES)
    for kind, total in sorted(totals.items()):
        print(f"{kind:<16} {total - missed[kind]:>4} of {total:>4} secrets hidden")
    print(f"{'all':<16} {totals.total() - missed.total():>4} of {totals.total():>4} secrets hidden\n")
    for kind, values in ORDINARY.items():
        print(f"{kind:<16} {len(values) - marked[kind]:>4} of {len(values):>4} ordinary values readable")
    ordinary = sum(map(len, ORDINARY.values()))
    print(f"{'all':<16} {ordinary - marked.total():>4} of {ordinary:>4} ordinary values readable\n")
    counts, rules = judge_gitleaks()
    print(f"gitleaks' positives: {counts['caught']} of {counts['positive']} hidden")
    print(f"gitleaks' negatives: {counts['kept']} of {counts['negative']} untouched")
    print(f"rules with a positive that is shown: {', '.join(sorted(set(rules))) or 'none'}")
