"""Rules for a sememe taxonomy, given as triples."""

from collections.abc import Callable, Iterator, Sequence

from see_kb.checks.finding import Finding
from see_kb.knowledge.relations import Triple, first_hypernyms, missing_inverses


def check_taxonomy(triples: Sequence[Triple]) -> list[Finding]:
    """Hold a taxonomy against every rule, in the order of the rules."""
    return [Finding(code, -1, detail, place) for code, rule in RULES.items() for place, detail in rule(triples)]


def _missing_inverse(triples: Sequence[Triple]) -> Iterator[tuple[str, str]]:
    """A relation holds in one direction and not in the other."""
    yield from ((sememe, f"lacks {relation} {other}") for sememe, relation, other in missing_inverses(triples))


def _orphan(triples: Sequence[Triple]) -> Iterator[tuple[str, str]]:
    """A sememe has neither a hypernym nor a hyponym: no tree holds it."""
    held = {name for sememe, relation, other in triples if relation.startswith("hyp") for name in (sememe, other)}
    named = {name for sememe, _, other in triples for name in (sememe, other)}
    yield from ((sememe, "stands in no tree") for sememe in sorted(named - held))


def _several_hypernyms(triples: Sequence[Triple]) -> Iterator[tuple[str, str]]:
    """A sememe has several hypernyms: the first one is taken."""
    above: dict[str, list[str]] = {}
    for sememe, relation, other in triples:
        if relation == "hypernym":
            above.setdefault(sememe, []).append(other)
    yield from ((sememe, ", ".join(names)) for sememe, names in above.items() if len(names) > 1)


def _circle(triples: Sequence[Triple]) -> Iterator[tuple[str, str]]:
    """A sememe is its own hypernym, by however many steps."""
    above = first_hypernyms(triples)
    sound: set[str] = set()
    for start in above:
        path: dict[str, None] = {}
        name: str | None = start
        while name is not None and name not in path and name not in sound:
            path[name] = None
            name = above.get(name)
        if name is not None and name in path:
            circle = [*path][[*path].index(name) :]
            yield min(circle), " → ".join(circle)
        sound.update(path)


RULES: dict[str, Callable[[Sequence[Triple]], Iterator[tuple[str, str]]]] = {
    "missing-inverse": _missing_inverse,
    "taxonomy-orphan": _orphan,
    "several-hypernyms": _several_hypernyms,
    "circle": _circle,
}
"""What a taxonomy must not do, by code."""
