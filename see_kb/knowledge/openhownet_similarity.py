"""OpenHowNet's similarity of words, to compare with: two definitions are alike by their heads and matching roles.

    sim(a, b) = .7 · head(a, b) + .3 · roles(a, b)        head alone where neither has children
    roles(a, b) = (Σ over matched children sim + .1 · children without a match) / (all children − matches)

The formula and its numbers are OpenHowNet 2.0's (`HowNetDict.calculate_word_similarity`, after Liu, Xu and Zhang,
IJCNLP 2013). Children are matched in their order, each with the first one of the same role that is free, so the result
depends on that order, and on which word comes first. `head` is 1.6 / (1.6 + steps between the two sememes in the
taxonomy) (Liu and Li 2002), 0 across taxonomies; without a taxonomy it is 1 for the same sememe, else 0. OpenHowNet
takes it from a table that is part of its download; the formula of that table is not published.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from see_kb.knowledge.relations import first_hypernyms
from see_kb.knowledge.trees import TreeNode, sememe_trees

HEAD_SHARE, ROLE_SHARE, UNMATCHED, STEP = 0.7, 0.3, 0.1, 1.6


class OpenHowNetSimilarity:
    """The formula over one taxonomy, given as triples."""

    def __init__(self, relations: Iterable[tuple[str, str, str]] = ()) -> None:
        self._above = first_hypernyms(relations)
        self._trees = lru_cache(maxsize=None)(lambda definition: sememe_trees(definition)[0])
        self._head = lru_cache(maxsize=None)(self._uncached_head)

    def words(self, first: Sequence[str], second: Sequence[str]) -> float | None:
        """Compare two words by the definitions of their senses; None where one of them has none."""
        pairs = ((self._trees(a), self._trees(b)) for a in dict.fromkeys(first) for b in dict.fromkeys(second))
        return max((self.trees(a, b) for a, b in pairs), default=None)

    def trees(self, a: TreeNode, b: TreeNode) -> float:
        """Compare two sememe trees."""
        head = self._head(a.name, b.name)
        if not a.children and not b.children:
            return head
        free, total, n_matches = list(b.children), 0.0, 0
        for child in a.children:
            match = next((other for other in free if other.role == child.role), None)
            if match is not None:
                free.remove(match)
                n_matches += 1
                total += self.trees(child, match)
        n_children = len(a.children) + len(b.children)
        roles = (total + (n_children - 2 * n_matches) * UNMATCHED) / (n_children - n_matches)
        return HEAD_SHARE * head + ROLE_SHARE * roles

    def _uncached_head(self, a: str, b: str) -> float:
        if a == b:
            return 1.0
        above_a, above_b = _path(a, self._above), _path(b, self._above)
        steps = min((above_a[name] + above_b[name] for name in above_a.keys() & above_b.keys()), default=None)
        return 0.0 if steps is None else STEP / (STEP + steps)


def _path(sememe: str, above: Mapping[str, str]) -> dict[str, int]:
    """The sememe and those above it, with the steps to each."""
    steps = {sememe: 0}
    while (wider := above.get(sememe)) is not None and wider not in steps:
        steps[wider] = len(steps)
        sememe = wider
    return steps
