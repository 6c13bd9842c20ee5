"""Rules for definitions and senses, each a small function whose docstring is its message."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from see_kb.checks.finding import Finding
from see_kb.kdml import MARKS, Definition, Feature, Node, parse_definition, sememe_key
from see_kb.knowledge.relations import Triple
from see_kb.lexicon import Sense

ROLES = frozenset(
    """
    AccordingTo accompaniment adjunct agent and aspect belong beneficiary besides but cause coagent CoEvent comment
    comparison concerning concession condition content ContentProduct contrast cost degree descriptive direction
    distance domain duration emphasis equiv EventProcess existent experiencer frequency host HostOf instrument isa
    location LocationFin LocationIni LocationThru manner material MaterialOf means method modifier OfPart partner
    PartOfTouch PartPosition patient PatientAttribute PatientPart PatientProduct PatientValue PersonPro PlaceSect
    possession possessor purpose quantity range relevant restrictive result ResultContent ResultEvent ResultIsa
    ResultWhole RelateTo scope sequence source SourceWhole state StateFin StateIni succeeding target time TimeAfter
    TimeBefore TimeFeature TimeFin TimeIni times TimeSect whole will
    """.split()  # noqa: SIM905 - a list of a hundred literals reads worse
)
"""Roles that occur in the definitions of HowNet's public synsets (90 of them) and in its specification."""


def check_senses(senses: Sequence[Sense], taxonomy: Iterable[Triple] = ()) -> list[Finding]:
    """Hold every sense against every rule; in the order of the senses, then of the rules.

    Args:
        senses: the senses of one dictionary.
        taxonomy: triples (sememe, relation, sememe); without any, the rules that need to know sememes are left out.
    """
    known = sememes_of_taxonomy(taxonomy)
    broken = lru_cache(maxsize=None)(lambda text: tuple(_broken_rules(text, known)))
    findings = []
    seen: dict[tuple[str, ...], int] = {}
    for sense_id, sense in enumerate(senses):
        place = f"{sense.source or 'sense'} {sense.number}: {sense.en_word or '–'} / {sense.zh_word or '–'}"
        findings += [Finding(code, sense_id, detail, place) for code, detail in broken(sense.definition)]
        key = (sense.en_word, sense.en_pos, sense.zh_word, sense.zh_pos, sense.definition)
        if key in seen:
            findings.append(Finding("duplicate-sense", sense_id, f"the same as sense {seen[key]}", place))
        seen.setdefault(key, sense_id)
    return findings


def _broken_rules(text: str, known: "KnownSememes") -> Iterator[tuple[str, str]]:
    definition = parse_definition(text)
    for code, rule in RULES.items():
        yield from ((code, detail) for detail in rule(definition))
    for code, known_rule in KNOWING_RULES.items() if known.names else ():
        yield from ((code, detail) for detail in known_rule(definition, known))


@dataclass(frozen=True)
class KnownSememes:
    """What a taxonomy says of sememes: all their names, and those that are attributes."""

    names: frozenset[str]
    attributes: frozenset[str]


def sememes_of_taxonomy(taxonomy: Iterable[Triple]) -> KnownSememes:
    """Collect a taxonomy's sememes, and those below `Attribute|属性`."""
    below: dict[str, list[str]] = {}
    names: set[str] = set()
    for sememe, relation, other in taxonomy:
        names |= {sememe, other}
        if relation == "hypernym":
            below.setdefault(other, []).append(sememe)
    attributes: set[str] = set()
    waiting = [*below.get("Attribute|属性", ())]
    while waiting:
        sememe = waiting.pop()
        if sememe not in attributes:
            attributes.add(sememe)
            waiting += below.get(sememe, ())
    return KnownSememes(frozenset(names), frozenset(attributes))


def _unknown_role(definition: Definition) -> Iterator[str]:
    """A role is not in the inventory."""
    for node in _nodes(definition):
        for feature in node.features:
            if isinstance(feature, Feature) and feature.role.strip() not in ROLES:
                yield feature.role


def _part_without_whole(definition: Definition) -> Iterator[str]:
    """A root `part|部件` does not say of what it is a part."""
    for root in definition.roots:
        if sememe_key(root.head) == "part|部件" and "whole" not in _roles(root):
            yield root.head


def _tilde_without_antecedent(definition: Definition) -> Iterator[str]:
    """A `~` is not the value of a role of a role-less node, whose parent it could stand for."""
    role_less = {id(feature) for node in _nodes(definition) for feature in node.features if isinstance(feature, Node)}
    antecedents = {
        id(value)
        for node in _nodes(definition)
        if id(node) in role_less
        for feature in node.features
        if isinstance(feature, Feature)
        for value in feature.values
    }
    yield from ("~" for node in _nodes(definition) if node.head.strip() == "~" and id(node) not in antecedents)


def _open_root(definition: Definition) -> Iterator[str]:
    """A root is a mark that only a filler can be (`$`, `*`)."""
    yield from (root.head for root in definition.roots if root.head.strip() in ("$", "*"))


RULES: dict[str, Callable[[Definition], Iterator[str]]] = {
    "unknown-role": _unknown_role,
    "part-without-whole": _part_without_whole,
    "tilde-without-antecedent": _tilde_without_antecedent,
    "open-root": _open_root,
}
"""What a definition must not do, by code."""


def _unknown_sememe(definition: Definition, known: KnownSememes) -> Iterator[str]:
    """A sememe is not in the taxonomy; names in quotes need not be."""
    for node in _nodes(definition):
        if node.head.strip() not in MARKS and sememe_key(node.head) not in known.names:
            yield sememe_key(node.head)


def _attribute_without_host(definition: Definition, known: KnownSememes) -> Iterator[str]:
    """A root that is an attribute does not say of what it is one."""
    for root in definition.roots:
        if sememe_key(root.head) in known.attributes and not _roles(root) & {"host", "HostOf"}:
            yield sememe_key(root.head)


KNOWING_RULES: dict[str, Callable[[Definition, KnownSememes], Iterator[str]]] = {
    "unknown-sememe": _unknown_sememe,
    "attribute-without-host": _attribute_without_host,
}
"""What a definition must not do by what a taxonomy says, by code."""


def _nodes(definition: Definition) -> Iterator[Node]:
    waiting = list(reversed(definition.roots))
    while waiting:
        node = waiting.pop()
        yield node
        for feature in node.features:
            values = [feature] if isinstance(feature, Node) else feature.values
            waiting.extend(value for value in values if isinstance(value, Node))


def _roles(node: Node) -> set[str]:
    return {feature.role.strip() for feature in node.features if isinstance(feature, Feature)}
