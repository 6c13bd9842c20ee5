"""The grammar of KDML, HowNet's Knowledge Database Mark-up Language: a definition is text and tree at once.

    definition := node (';' node)*
    node       := '{' head (':' feature (',' feature)*)? '}'
    feature    := role '=' value+ | node
    value      := node | '"' name '"'
    head       := name | '~' | '?' | '$' | '*'
    name       := english '|' chinese

`~` stands for the parent of the role-less node in which it is the value of a role, `?` for an obligatory
filler left open, `$` for the described object itself, `*` (taxonomies only) for any filler. Values follow one
another without a separator. White space around names and values is kept, so that formatting restores the text.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from see_kb.errors import FormatError

MARKS = frozenset("~?$*")

MAX_DEPTH = 100
"""Levels of braces that a definition may have; the deepest of 41,461 real ones has nine."""

MAX_LENGTH = 65_536
"""Characters that a definition may have; the longest of 41,461 real ones has 396."""

_TOKEN = re.compile(r'[{}:,;="]|[^{}:,;="]+')
_NAME = re.compile(r'[^{}:,;="\x00-\x1f\x7f|]+\|[^{}:,;="\x00-\x1f\x7f|]+')
_ROLE = re.compile(r"\s*[A-Za-z][A-Za-z0-9_-]*\s*")


class KdmlError(FormatError):
    """A text is no definition. `column` counts characters from 1, `problem` says what stands there."""

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(f"column {column}: {problem}")
        self.problem = problem
        self.column = column


@dataclass(frozen=True, slots=True)
class Quoted:
    """A proper name as the value of a role: `belong="China|中国"`. `start` and `end` delimit it in the text."""

    name: str
    lead: str = ""
    tail: str = ""
    start: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name, self.start + 1)
        _check_space(self.lead + self.tail, self.start)


@dataclass(frozen=True, slots=True)
class Node:
    """A head in braces with its features. `lead` and `tail` are the white space before and after the braces."""

    head: str
    features: "tuple[Feature | Node, ...]" = ()
    lead: str = ""
    tail: str = ""
    start: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)

    def __post_init__(self) -> None:
        if self.head.strip() not in MARKS:
            _check_name(self.head, self.start + 1)
        _check_space(self.lead + self.tail, self.start)


@dataclass(frozen=True, slots=True)
class Feature:
    """A role and its values, one or more, in the order of the text."""

    role: str
    values: tuple[Node | Quoted, ...]
    start: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)

    def __post_init__(self) -> None:
        if not _ROLE.fullmatch(self.role):
            raise KdmlError(f"{self.role!r} is no role name", self.start + 1)
        if not self.values:
            raise KdmlError(f"role {self.role!r} has no value", self.start + 1)


@dataclass(frozen=True, slots=True)
class Definition:
    """One or more root nodes, joined by `;`."""

    roots: tuple[Node, ...]

    def __post_init__(self) -> None:
        if not self.roots:
            raise KdmlError("a definition needs at least one node", 1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A sememe where it stands in a definition: its depth (a root has 0) and the role that it fills, if any.

    `parent` is the place of the nearest sememe above it among the definition's occurrences, None for a root.
    """

    sememe: str
    depth: int
    role: str | None
    parent: int | None = None


def parse_definition(text: str) -> Definition:
    """Read a definition into its tree; `format_definition` gives the text back, character for character.

    Raises:
        KdmlError: the text is not in the grammar, is longer than `MAX_LENGTH`, or is nested deeper than
            `MAX_DEPTH`; `column` tells where.
    """
    if len(text) > MAX_LENGTH:
        raise KdmlError(f"a definition of {len(text)} characters; at most {MAX_LENGTH} are read", MAX_LENGTH)
    return _Parser(text).definition()


def format_definition(definition: Definition) -> str:
    """Write a definition in HowNet's notation, without positions, with the white space it was read with."""
    return ";".join(_format_node(root) for root in definition.roots)


def sememe_key(name: str) -> str:
    """Give the form under which a sememe is known: `en|zh`, a space for an underscore, none at the ends.

    `Sri_Lanka|斯里兰卡` and `Sri Lanka |斯里兰卡` are one sememe; upper and lower case stay apart.
    """
    return "|".join(" ".join(part.replace("_", " ").split()) for part in name.split("|"))


def occurrences(definition: Definition) -> tuple[Occurrence, ...]:
    """List the sememes of a definition in its order, quoted names included, marks (`~ ? $ *`) left out."""
    found: list[Occurrence] = []
    for root in definition.roots:
        _add_occurrences(found, root, 0, None, None)
    return tuple(found)


@lru_cache(maxsize=65_536)
def occurrences_of_text(text: str) -> tuple[Occurrence, ...]:
    """List the sememes of a definition's text where they stand; many senses share a definition."""
    return occurrences(parse_definition(text))


@lru_cache(maxsize=65_536)
def sememes_of_text(text: str) -> tuple[str, ...]:
    """List the distinct sememes of a definition's text in the order of their first occurrence."""
    return tuple(dict.fromkeys(found.sememe for found in occurrences_of_text(text)))


def _add_occurrences(found: list[Occurrence], node: Node, depth: int, role: str | None, parent: int | None) -> None:
    if node.head.strip() not in MARKS:
        found.append(Occurrence(sememe_key(node.head), depth, role, parent))
        parent = len(found) - 1
    for feature in node.features:
        if isinstance(feature, Node):
            _add_occurrences(found, feature, depth + 1, None, parent)
            continue
        for value in feature.values:
            if isinstance(value, Node):
                _add_occurrences(found, value, depth + 1, feature.role.strip(), parent)
            else:
                found.append(Occurrence(sememe_key(value.name), depth + 1, feature.role.strip(), parent))


def _format_node(node: Node) -> str:
    features = ",".join(
        _format_node(feature) if isinstance(feature, Node) else _format_feature(feature) for feature in node.features
    )
    inside = f"{node.head}:{features}" if features else node.head
    return f"{node.lead}{{{inside}}}{node.tail}"


def _format_feature(feature: Feature) -> str:
    values = (
        _format_node(value) if isinstance(value, Node) else f'{value.lead}"{value.name}"{value.tail}'
        for value in feature.values
    )
    return f"{feature.role}={''.join(values)}"


def _check_name(name: str, column: int) -> None:
    if not _NAME.fullmatch(name) or not all(part.strip() for part in name.split("|")):
        raise KdmlError(f"{_shown(name)} is no sememe name; one reads english|chinese", max(column, 1))


def _check_space(text: str, column: int) -> None:
    if text and not text.isspace():
        raise KdmlError(f"{_shown(text)} stands between values; only white space may", max(column, 1))


def _shown(text: str) -> str:
    """Quote at most forty characters of the offending text."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


class _Parser:
    """One pass over the tokens of a text. White space between tokens goes to the value it touches."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(match.group(), match.start()) for match in _TOKEN.finditer(text)]
        self._tokens.append(("", len(text)))
        self._at = 0

    def definition(self) -> Definition:
        roots = [self._node(1)]
        while self._here() == ";":
            self._at += 1
            roots.append(self._node(1))
        if self._here() != "":
            raise self._unexpected("';' or the end")
        return Definition(tuple(roots))

    def _here(self) -> str:
        return self._tokens[self._at][0]

    def _start(self) -> int:
        return self._tokens[self._at][1]

    def _take(self, wanted: str) -> None:
        if self._here() != wanted:
            raise self._unexpected(f"'{wanted}'")
        self._at += 1

    def _space(self) -> str:
        if self._here().isspace():
            self._at += 1
            return self._tokens[self._at - 1][0]
        return ""

    def _name(self, what: str) -> str:
        if self._here() in {*'{}:,;="', ""}:
            raise self._unexpected(what)
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _node(self, depth: int) -> Node:
        lead = self._space()
        start = self._start()
        if depth > MAX_DEPTH:
            raise KdmlError(f"nested deeper than {MAX_DEPTH} levels", start + 1)
        self._take("{")
        head = self._name("a sememe name")
        features: list[Feature | Node] = []
        while self._here() == ("," if features else ":"):
            self._at += 1
            features.append(self._feature(depth))
        if self._here() == "":
            raise KdmlError(f"'{{' is never closed (opened at column {start + 1})", len(self._text) + 1)
        if self._here() != "}":
            raise self._unexpected("',' or '}'" if features else "':' or '}'")
        self._at += 1
        end = self._start()
        return Node(head, tuple(features), lead, self._space(), start, end)

    def _feature(self, depth: int) -> Feature | Node:
        if self._opens_value("{"):
            return self._node(depth + 1)
        start = self._start()
        role = self._name("a role or '{'")
        self._take("=")
        values = [self._value(depth)]
        while self._opens_value('{"'):
            values.append(self._value(depth))
        return Feature(role, tuple(values), start, self._start())

    def _value(self, depth: int) -> Node | Quoted:
        if self._opens_value("{"):
            return self._node(depth + 1)
        lead = self._space()
        start = self._start()
        if self._here() != '"':
            raise self._unexpected("'{' or '\"'")
        self._at += 1
        name = self._name("a name in quotes")
        self._take('"')
        end = self._start()
        return Quoted(name, lead, self._space(), start, end)

    def _opens_value(self, openers: str) -> bool:
        """Tell whether a value starts here, with or without white space before it."""
        at = self._at + 1 if self._here().isspace() else self._at
        return self._tokens[at][0] != "" and self._tokens[at][0] in openers

    def _unexpected(self, wanted: str) -> KdmlError:
        found = _shown(self._here()) if self._here() else "the end of the text"
        return KdmlError(f"expected {wanted}, found {found}", self._start() + 1)
