"""All checks in one report: a dictionary, its taxonomy and a folder of tables."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from see_kb.checks.definitions import KNOWING_RULES, check_senses
from see_kb.checks.definitions import RULES as DEFINITION_RULES
from see_kb.checks.finding import Finding
from see_kb.checks.tables import RESOLVED, check_tables
from see_kb.checks.tables import RULES as TABLE_RULES
from see_kb.checks.taxonomy import RULES as TAXONOMY_RULES
from see_kb.checks.taxonomy import check_taxonomy
from see_kb.knowledge.relations import Triple
from see_kb.sources.door import read_lexicons


@dataclass(frozen=True)
class CheckReport:
    """What was found, and what each rule that was tried says."""

    messages: dict[str, str]
    findings: tuple[Finding, ...]

    def of(self, code: str) -> list[Finding]:
        """The findings of one rule."""
        return [finding for finding in self.findings if finding.code == code]

    def faults(self, code: str | None) -> list[Finding]:
        """The findings, of one rule or all, that are to be mended."""
        return [found for found in self.findings if code in (None, found.code) and found.code not in RESOLVED]

    def as_dict(self, code: str | None, limit: int) -> dict[str, Any]:
        """Give counts by rule and the first findings of each as plain values, for JSON."""
        counts = Counter(finding.code for finding in self.findings)
        codes = [code] if code else list(self.messages)
        return {
            name: {
                "message": self.messages[name],
                "count": counts[name],
                "findings": [asdict(finding) for finding in self.of(name)[:limit]],
            }
            for name in codes
        }


def check_all(dictionaries: Sequence[Path], triples: Sequence[Triple], folder: Path | None) -> CheckReport:
    """Check a dictionary (the bundled one if none is named and there are no tables), a taxonomy, and tables.

    Raises:
        SeeError: an input cannot be used.
    """
    messages: dict[str, str] = {}
    findings: list[Finding] = []
    if dictionaries or folder is None:
        lexicon = read_lexicons(dictionaries)
        messages |= {"rejected-record": "A record could not be read.", **_messages(DEFINITION_RULES)}
        messages["duplicate-sense"] = "A sense has the words, parts of speech and definition of an earlier one."
        findings += [Finding("rejected-record", -1, r.reason, f"{r.file}:{r.line}") for r in lexicon.rejects]
        findings += check_senses(lexicon.senses, triples)
        messages |= _messages(KNOWING_RULES) if triples else {}
    if triples:
        messages |= _messages(TAXONOMY_RULES)
        findings += check_taxonomy(triples)
    if folder is not None:
        messages |= {code: message for code, (message, _) in TABLE_RULES.items()}
        known = set(findings)  # a record that was rejected when the tables were built is rejected again here
        findings += [finding for finding in check_tables(folder) if finding not in known]
    return CheckReport(messages, tuple(findings))


def checks_table(report: CheckReport, code: str | None, limit: int) -> Table:
    """Lay out the rules with their counts and the first findings of each."""
    table = Table(title=f"{len(report.findings):,} findings", title_justify="left", title_style="bold")
    for name in ("rule", "count", "message", "such as"):
        table.add_column(name, justify="right" if name == "count" else "left")
    for name, message in report.messages.items():
        if code in (None, name):
            found = report.of(name)
            shown = "\n".join(escape(f"{finding.place}: {finding.detail}") for finding in found[:limit])
            table.add_row(name, f"{len(found):,}", escape(message), shown)
    return table


def _messages(rules: "dict[str, Any]") -> dict[str, str]:
    return {code: " ".join((rule.__doc__ or "").split()) for code, rule in rules.items()}
