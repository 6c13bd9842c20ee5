"""How sememes relate: four relations, each with the one that must hold in the other direction."""

from collections.abc import Iterable
from typing import Literal

Relation = Literal["hypernym", "hyponym", "antonym", "converse"]
Triple = tuple[str, str, str]
"""A sememe, a relation, and the sememe that has this relation to it: `dog hypernym animal` says that animals are
wider."""

INVERSES: dict[str, Relation] = {
    "hypernym": "hyponym",
    "hyponym": "hypernym",
    "antonym": "antonym",
    "converse": "converse",
}
"""The relation that holds from the second sememe to the first."""


def relations_by_sememe(triples: Iterable[Triple]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Sort triples by their first sememe: sememe → pairs of relation and other sememe, in the order of the triples."""
    found: dict[str, list[tuple[str, str]]] = {}
    for sememe, relation, other in triples:
        found.setdefault(sememe, []).append((relation, other))
    return {sememe: tuple(pairs) for sememe, pairs in found.items()}


def first_hypernyms(triples: Iterable[Triple]) -> dict[str, str]:
    """Give each sememe's hypernym, of several the first one: sememe → the wider one."""
    above: dict[str, str] = {}
    for sememe, relation, other in triples:
        if relation == "hypernym":
            above.setdefault(sememe, other)
    return above


def missing_inverses(triples: Iterable[Triple]) -> list[Triple]:
    """List the triples that must hold by symmetry and are not there, sorted."""
    given = set(triples)
    inverses = {(other, INVERSES[relation], sememe) for sememe, relation, other in given}
    return sorted(inverses - given)
