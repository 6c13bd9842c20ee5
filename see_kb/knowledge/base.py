"""A dictionary to ask questions of, many at once: words, senses, sememes and how they relate.

    kb = open_knowledge_base("see_tables")
    kb.senses(["doctor", "医生"])[0][0].definition
    kb.sememes(["doctor"])
    kb.related(["human|人"], "hypernym")

Every question takes a list and gives a list of answers in its order; what is not found gets an empty answer.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from see_kb.errors import SeeError
from see_kb.kdml import occurrences_of_text, sememe_key
from see_kb.knowledge.index import Index, index_of, open_index
from see_kb.knowledge.relations import Relation, relations_by_sememe
from see_kb.knowledge.search import How, search_words
from see_kb.knowledge.senses import Answers, Senses, WordSenses
from see_kb.lexicon import Lexicon, Sense

if TYPE_CHECKING:  # what takes long to load, and most questions do not need
    import numpy as np
    from numpy.typing import NDArray

    from see_kb.knowledge.openhownet_similarity import OpenHowNetSimilarity
    from see_kb.knowledge.similarity import SimilarityModel

Language = Literal["en", "zh"]
Formula = Literal["information", "openhownet"]


def open_knowledge_base(folder: Path | str) -> "KnowledgeBase":
    """Open the dictionary of a folder of tables.

    Raises:
        SeeError: the folder holds no tables.
        FormatError: a file is damaged.
    """
    return KnowledgeBase(open_index(Path(folder)))


def knowledge_base_of(lexicon: Lexicon, relations: Iterable[tuple[str, str, str]] = ()) -> "KnowledgeBase":
    """Index a dictionary in memory, with the triples of a taxonomy (sememe, relation, sememe)."""
    return KnowledgeBase(index_of(lexicon, relations))


class KnowledgeBase:
    """A dictionary and its taxonomy; made by `open_knowledge_base` or `knowledge_base_of`."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __len__(self) -> int:
        """The number of senses."""
        return self._index.n_senses

    def __contains__(self, word: str) -> bool:
        """Tell whether a dictionary lists a word as it is spelled."""
        return self._index.number_of(word) is not None

    def __repr__(self) -> str:
        index = self._index
        return f"<KnowledgeBase: {index.n_senses:,} senses, {index.n_words:,} words, {index.n_sememes:,} sememes>"

    def senses(
        self, words: Iterable[str], language: Language | None = None, pos: str | None = None
    ) -> Sequence[Senses]:
        """Find the senses of words as they are spelled, in dictionary order.

        Args:
            words: words of either language.
            language: only senses in which the word is the English (`en`) or the Chinese (`zh`) one.
            pos: only senses in which the word has this part of speech.
        """
        if language is None and pos is None:
            return Answers(self._index, [*map(self._index.number_of, words)])
        return [self._filtered(word, language, pos) for word in words]

    def senses_by_number(self, numbers: Iterable[str]) -> list[Senses]:
        """Find senses by the number that their source gives them (`NO.`); several dictionaries may use one number."""
        return [Senses(self._index, self._by_number.get(number, ())) for number in numbers]

    def all_senses(self) -> Senses:
        """Give all senses in dictionary order; `all_senses()[i]` is the sense with the id i."""
        return Senses(self._index, range(self._index.n_senses))

    def definitions(self) -> tuple[list[str], Sequence[int]]:
        """Read the distinct definitions, and for each sense the place of its own among them."""
        first = (senses[0] for senses in (self._index.definition_senses[d] for d in range(len(self._index.sememes))))
        return [self._index.sense(sense_id).definition for sense_id in first], self._index.definition_ids

    def words(self, language: Language | None = None) -> list[str]:
        """List the words of one language or both, by code points."""
        if language is None:
            return self._index.all_words()
        field = f"{language}_word"
        return sorted({getattr(sense, field) for sense in self.all_senses()} - {""})

    def parts_of_speech(self) -> list[str]:
        """List the parts of speech in use."""
        return [name for name in self._index.pos_names() if name]

    def search(
        self, texts: Iterable[str], how: How = "substring", distance: int = 1, limit: int = 100
    ) -> list[list[str]]:
        """Find words like some texts, the nearest first.

        Args:
            texts: what to look for.
            how: words that begin with the text (`prefix`), hold it (`substring`), or are at most `distance`
                insertions, deletions, changes or swaps of neighbours away from it (`edits`).
            distance: for `edits`.
            limit: words for each text at most.
        """
        return [search_words(self._index, text, how, distance, limit) for text in texts]

    def sememes(
        self, words: Iterable[str], depth: int | None = None, language: Language | None = None
    ) -> list[tuple[str, ...]]:
        """List the sememes of all senses of each word, each once, in the order of the senses and definitions.

        Args:
            words: words of either language.
            depth: only sememes at most so many levels below the root; 0 gives the roots alone.
            language: as in `senses`.
        """
        return [
            tuple(dict.fromkeys(name for sense in senses for name in sememes_to_depth(sense, depth)))
            for senses in self.senses(words, language)
        ]

    def find_sememes(self, names: Iterable[str]) -> list[tuple[str, ...]]:
        """Find sememes by their full name or either half of it: `break` is two of HowNet's.

        A space and an underscore are the same in names.
        """
        return [self._sememes_by_name.get(sememe_key(name), ()) for name in names]

    def all_sememes(self) -> tuple[str, ...]:
        """List the sememes that occur in the dictionary or its taxonomy, by name."""
        related = (
            name for sememe, pairs in self._relations.items() for name in (sememe, *(other for _, other in pairs))
        )
        return tuple(sorted({*self._index.sememe_names(), *related}))

    def senses_with(self, sememes: Iterable[str]) -> list[Senses]:
        """Find the senses whose definitions have a sememe, by its full name or either half of it."""
        return [Senses(self._index, self._ids_with(found)) for found in self.find_sememes(sememes)]

    def synonyms(self, senses: Iterable[Sense]) -> list[Senses]:
        """Find the senses that have the same set of sememes as a sense, in dictionary order, itself included."""
        groups = self._definitions_by_sememes
        found = (groups.get(frozenset(sense.sememes), ()) for sense in senses)
        return [Senses(self._index, self._ids_of(definitions)) for definitions in found]

    def related(self, sememes: Iterable[str], relation: Relation | None = None) -> list[tuple[tuple[str, str], ...]]:
        """List what sememes relate to, as pairs of relation and sememe: by one relation, or by any."""
        found = (self._relations.get(sememe_key(sememe), ()) for sememe in sememes)
        return [tuple(pair for pair in pairs if relation in (None, pair[0])) for pairs in found]

    def relations_between(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
        """List the relations from the first sememe of each pair to the second one."""
        return [
            tuple(name for name, found in self._relations.get(sememe_key(sememe), ()) if found == sememe_key(other))
            for sememe, other in pairs
        ]

    def similarity(self, pairs: Iterable[tuple[str, str]], formula: Formula = "information") -> list[float | None]:
        """Compare the words of each pair, from 0 to 1; None where one of them is not listed.

        Args:
            pairs: words of any of the dictionary's languages.
            formula: `information` (see `similarity`), or `openhownet`, OpenHowNet's own.
        """
        if formula == "information":
            return self._similarity.pairs(pairs)
        definitions = ([[sense.definition for sense in found] for found in self.senses(pair)] for pair in pairs)
        return [self._openhownet_similarity.words(first, second) for first, second in definitions]

    def nearest(
        self, words: Iterable[str], limit: int = 10, language: Language | None = None, pos: str | None = None
    ) -> list[list[tuple[str, float]]]:
        """Find the words that are nearest to each word, with their similarity, the nearest first.

        Args:
            words: words of either language.
            limit: words for each at most; words that share nothing are left out.
            language: only English (`en`) or Chinese (`zh`) words.
            pos: only words that have this part of speech.
        """
        return [self._nearest(senses.ids, {word}, limit, language, pos) for word, senses in self._with_senses(words)]

    def nearest_to_senses(
        self, sense_ids: Iterable[int], limit: int = 10, language: Language | None = None, pos: str | None = None
    ) -> list[list[tuple[str, float]]]:
        """Find the words that are nearest to single senses, by the senses' ids; the senses' own words are left out."""
        own = ((i, {self._index.sense(i).en_word, self._index.sense(i).zh_word}) for i in sense_ids)
        return [self._nearest([i], words, limit, language, pos) for i, words in own]

    def _with_senses(self, words: Iterable[str]) -> list[tuple[str, Senses]]:
        listed = list(words)
        return list(zip(listed, self.senses(listed), strict=True))

    def _nearest(
        self, sense_ids: Sequence[int], without: set[str], limit: int, language: Language | None, pos: str | None
    ) -> list[tuple[str, float]]:
        if not len(sense_ids):
            return []
        allowed = self._allowed(language, pos)
        allowed[[number for number in map(self._index.number_of, without) if number is not None]] = False
        definitions = [self._index.definition_ids[i] for i in sense_ids]
        found = self._similarity.nearest(definitions, limit, allowed)
        return [(self._index.word(number), score) for number, score in found]

    def _filtered(self, word: str, language: Language | None, pos: str | None) -> Senses:
        ids = WordSenses(self._index, self._index.number_of(word)).ids
        return Senses(self._index, [i for i in ids if _fits(self._index.sense(i), word, language, pos)])

    def _ids_with(self, sememes: Iterable[str]) -> list[int]:
        numbers = [self._sememe_numbers[name] for name in sememes if name in self._sememe_numbers]
        return self._ids_of({d for number in numbers for d in self._index.sememe_definitions[number]})

    def _ids_of(self, definitions: Iterable[int]) -> list[int]:
        return sorted(sense_id for d in definitions for sense_id in self._index.definition_senses[d])

    @cached_property
    def _similarity(self) -> "SimilarityModel":
        from see_kb.knowledge.similarity import SimilarityModel  # numpy

        return SimilarityModel(self._index)

    @cached_property
    def _openhownet_similarity(self) -> "OpenHowNetSimilarity":
        from see_kb.knowledge.openhownet_similarity import OpenHowNetSimilarity

        return OpenHowNetSimilarity(self._index.relations())

    def _allowed(self, language: Language | None, pos: str | None) -> "NDArray[np.bool_]":
        """Which words are of a language and have a part of speech, by number."""
        import numpy as np

        index = self._index
        if language is None and pos is None:
            return np.ones(index.n_words, dtype=bool)
        sides = np.asarray(index.sides)
        fits = np.ones((index.n_senses, 2), dtype=bool)
        if pos is not None:
            names = index.pos_names()
            fits = np.asarray(index.pos).reshape(-1, 2) == (names.index(pos) if pos in names else -1)
        fits = fits[np.asarray(index.word_senses.values)]
        english = (sides & 1 > 0) & fits[:, 0] & (language != "zh")
        chinese = (sides & 2 > 0) & fits[:, 1] & (language != "en")
        return np.asarray(np.logical_or.reduceat(english | chinese, np.asarray(index.word_senses.starts)[:-1]))

    @cached_property
    def _by_number(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for sense_id, sense in enumerate(self.all_senses()):
            found.setdefault(sense.number, []).append(sense_id)
        return found

    @cached_property
    def _sememe_numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self._index.sememe_names())}

    @cached_property
    def _sememes_by_name(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for sememe in self.all_sememes():
            for name in dict.fromkeys((sememe, *sememe.split("|"))):
                found[name] = (*found.get(name, ()), sememe)
        return found

    @cached_property
    def _definitions_by_sememes(self) -> dict[frozenset[str], list[int]]:
        names = self._index.sememe_names()
        found: dict[frozenset[str], list[int]] = {}
        for definition in range(len(self._index.sememes)):
            found.setdefault(frozenset(names[n] for n in self._index.sememes[definition]), []).append(definition)
        return found

    @cached_property
    def _relations(self) -> dict[str, tuple[tuple[str, str], ...]]:
        return relations_by_sememe(self._index.relations())


def sememes_to_depth(sense: Sense, depth: int | None = None) -> tuple[str, ...]:
    """List the distinct sememes of a sense that stand at most `depth` levels below a root, in definition order.

    Raises:
        SeeError: the depth is negative.
    """
    if depth is None:
        return sense.sememes
    if depth < 0:
        raise SeeError(f"a depth of {depth}; the roots of a definition have depth 0")
    return tuple(dict.fromkeys(f.sememe for f in occurrences_of_text(sense.definition) if f.depth <= depth))


def _fits(sense: Sense, word: str, language: Language | None, pos: str | None) -> bool:
    sides: Sequence[tuple[str, str, str]] = (("en", sense.en_word, sense.en_pos), ("zh", sense.zh_word, sense.zh_pos))
    return any(
        spelled == word and language in (None, side) and pos in (None, side_pos) for side, spelled, side_pos in sides
    )
