"""Build the links of a report. Pure."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Value
from bot.plan.model import Plan, SourceLine
from bot.text import markdown as md


class Links(Value, frozen=True):
    """Where links lead; empty parts are not linked."""

    web: str = ""  # https://github.com
    fleet: RepoName | None = None
    upstream: RepoName | None = None
    details: str = ""  # the whole plan's page

    def commit(self, sha: str, words: str) -> str:
        """Link a commit of the upstream."""
        return md.link(words, self.web, self.upstream, "commit", sha) if self.web and self.upstream else words

    def compare(self, plan: Plan, words: str) -> str:
        """Link GitHub's comparison of the pins, as HTML for the summary of a fold; "" where there is none."""
        if not (self.web and self.upstream and plan.old):
            return ""
        return md.html_link(words, self.web, self.upstream, "compare", f"{plan.old}...{plan.new}")

    def source(self, plan: Plan, line: SourceLine, words: str) -> str:
        """Link a line of a file: of the upstream at the new pin (the old one, if it is gone), or of the fleet."""
        inside = f"{plan.submodule}/"
        if line.path.startswith(inside):
            commit = plan.old if line.gone and plan.old else plan.new
            repo, path = self.upstream, line.path.removeprefix(inside)
        else:
            repo, commit, path = self.fleet, plan.base, line.path
        if not (self.web and repo):
            return words
        linked = md.link(words, self.web, repo, "blob", commit, path)
        return linked[:-1] + f"#L{line.line})" if linked != words else words

    def whole(self, words: str) -> str:
        """Link the page with the whole plan."""
        return md.link(words, self.details) if self.details else words
