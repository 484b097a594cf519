"""Look a lock's packages up among known vulnerabilities: `python -m tools.release.audit FILE`.

It ends with 1 if one has any, or was not looked up. pip-audit alone ends with 0 when it has looked nothing up, also
with `--strict`: so what it looked up is held to the lock.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tools.release.build import tool

_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+) *(;?)", re.MULTILINE)


def find_audit_problems(lock: str, report: str) -> list[str]:
    """What is wrong with pip-audit's `report` (JSON) on the packages of `lock`: known vulnerabilities, and gaps.

    A pin with a marker may be for another system, and be left out.
    """
    try:
        audited = json.loads(report)["dependencies"]
        found = {(_normal(one["name"]), one["version"]): one["vulns"] for one in audited if "vulns" in one}
    except (ValueError, KeyError, TypeError):
        return [f"no report: {report[:200]!r}"]
    pins = _PIN.findall(lock)
    problems = [] if pins and found else ["nothing was looked up"]
    for name, version, marker in pins:
        if not marker and (_normal(name), version) not in found:
            problems.append(f"{name} {version} was not looked up")
    for (name, version), flaws in sorted(found.items()):
        problems += [f"{name} {version} has {flaw['id']}" for flaw in flaws]
    return problems


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(lock: str) -> None:
    """Audit the file `lock`."""
    command = [tool("pip-audit"), "--strict", "--require-hashes", "--disable-pip", "--format", "json", "-r", lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    problems = find_audit_problems(Path(lock).read_text(), done.stdout)
    if problems or done.returncode != 0:
        sys.exit(f"audit of {lock}: {'; '.join(problems)} {done.stderr[-1000:]}")
    print(f"audit of {lock}: no known vulnerability in {len(json.loads(done.stdout)['dependencies'])} packages")


if __name__ == "__main__":
    main(sys.argv[1])
