"""Commands that ask a dictionary: `similarity`, `nearest`, `tree`, `search`, `sememe`, `check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipelines.commands.options import AsJson, Dictionaries, print_json
from see_kb.errors import SeeError

if TYPE_CHECKING:
    from see_kb.knowledge.base import KnowledgeBase

Taxonomy = Annotated[
    Path | None,
    typer.Option(help="The sememe taxonomy: HowNet's trees or triples. [default: OpenHowNet's, if it lies there]"),
]
FromTables = Annotated[
    Path | None, typer.Option("--tables", help="Take dictionary and taxonomy from a folder of tables instead.")
]
Words = Annotated[list[str], typer.Argument(help="Words, in either language of the dictionary.")]
Language = Annotated[Literal["en", "zh"] | None, typer.Option(help="Only words of one language.")]


def _open(dictionaries: list[Path] | None, taxonomy: Path | None, tables: Path | None) -> "KnowledgeBase":
    from see_kb.knowledge.base import knowledge_base_of, open_knowledge_base
    from see_kb.sources.door import read_lexicons

    if tables:
        if dictionaries or taxonomy:
            raise SeeError("--tables has its own dictionary and taxonomy; leave --hownet and --taxonomy out")
        return open_knowledge_base(tables)
    return knowledge_base_of(read_lexicons(dictionaries or ()), _triples(dictionaries, taxonomy))


def _triples(dictionaries: list[Path] | None, taxonomy: Path | None) -> list[tuple[str, str, str]]:
    from see_kb.sources.openhownet import TRIPLES_FILE, resource_folder
    from see_kb.sources.taxonomy import read_taxonomy, taxonomy_triples

    folders = (folder for path in dictionaries or () if (folder := resource_folder(path)) is not None)
    place = taxonomy or next((folder for folder in folders if (folder / TRIPLES_FILE).is_file()), None)
    return taxonomy_triples(read_taxonomy(place)) if place else []


def similarity(
    words: Annotated[list[str] | None, typer.Argument(help="Two words.", show_default=False)] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="A file of WORD<tab>WORD<tab>SCORE lines: how well people's scores are met.")
    ] = None,
    dictionaries: Dictionaries = None,
    taxonomy: Taxonomy = None,
    tables: FromTables = None,
    as_json: AsJson = False,
) -> None:
    """Tell how alike two words are, by shared information and by OpenHowNet's formula; or measure both on a file.

    With --pairs: Spearman's rank correlation of each formula with the scores, and how many pairs are covered.
    Exits with 1 if a word is not listed.

    Example: see similarity doctor nurse; see similarity --pairs simlex.tsv --hownet HowNet.txt --json
    """
    from see_kb.knowledge.pairs import measure_agreement, read_pairs

    if (pairs is None) == (words is None):
        raise SeeError("give either two words or --pairs, a file of pairs")
    if words is not None and len(words) != 2:
        raise SeeError(f"{len(words)} words; give two, or a file with --pairs")
    if pairs is not None:
        scored = read_pairs(pairs)
        figures = measure_agreement(_open(dictionaries, taxonomy, tables), scored).as_dict()
        if as_json:
            print_json(figures)
            return
        typer.echo(f"{figures['covered']:,} of {figures['pairs']:,} pairs are covered")
        for formula, value in figures["spearman"].items():
            typer.echo(f"{formula:12} Spearman {'–' if value is None else f'{value:.3f}'}")
        return
    first, second = words or ("", "")
    kb = _open(dictionaries, taxonomy, tables)
    values = {formula: kb.similarity([(first, second)], formula)[0] for formula in ("information", "openhownet")}
    if as_json:
        print_json({"first": first, "second": second, **values})
    for formula, value in values.items() if not as_json else ():
        typer.echo(f"{formula:12} {'not listed' if value is None else f'{value:.3f}'}")
    if None in values.values():
        raise typer.Exit(1)


def nearest(
    words: Words,
    limit: Annotated[int, typer.Option(help="Words for each at most.", min=1)] = 10,
    language: Language = None,
    pos: Annotated[str | None, typer.Option(help="Only words of a part of speech, such as noun.")] = None,
    dictionaries: Dictionaries = None,
    taxonomy: Taxonomy = None,
    tables: FromTables = None,
    as_json: AsJson = False,
) -> None:
    """List the words that are most like each word. Exits with 1 if a word is not listed.

    Example: see nearest doctor 医生 --language en --tables my_tables
    """
    kb = _open(dictionaries, taxonomy, tables)
    answers = dict(zip(words, kb.nearest(words, limit, language, pos), strict=True))
    if as_json:
        rows = [{"word": w, "nearest": [{"word": o, "similarity": s} for o, s in a]} for w, a in answers.items()]
        print_json(rows)
    for word, found in answers.items() if not as_json else ():
        typer.echo(f"{word}: {', '.join(f'{other} {score:.2f}' for other, score in found) or 'not found'}")
    if not all(word in kb for word in words):
        raise typer.Exit(1)


def tree(
    words: Words,
    plot: Annotated[Path | None, typer.Option(help="Draw the first sense's tree (.png, .svg or .pdf).")] = None,
    dictionaries: Dictionaries = None,
    tables: FromTables = None,
    as_json: AsJson = False,
) -> None:
    """Draw the sememe tree of each sense of a word. Exits with 1 if a word is not listed.

    Example: see tree doctor
    """
    from see_kb.knowledge.trees import sememe_trees, tree_text

    if plot:
        from pipelines.plots import check_plot

        check_plot(plot)
    kb = _open(dictionaries, None, tables)
    senses = [sense for found in kb.senses(words) for sense in found]
    if plot and senses:
        from pipelines.tree_plot import plot_tree

        plot_tree(senses[0].definition, plot)
    if as_json:
        rows = [
            {
                "en": s.en_word,
                "zh": s.zh_word,
                "number": s.number,
                "trees": [t.as_dict() for t in sememe_trees(s.definition)],
            }
            for s in senses
        ]
        print_json(rows)
    for sense in senses if not as_json else ():
        typer.echo(f"{sense.en_word or '–'} / {sense.zh_word or '–'} ({sense.en_pos or sense.zh_pos}) {sense.number}")
        typer.echo(tree_text(sense.definition) + "\n")
    if not all(word in kb for word in words):
        raise typer.Exit(1)


def search(
    texts: Annotated[list[str], typer.Argument(help="Texts to look for among the words.")],
    how: Annotated[
        Literal["prefix", "substring", "edits"], typer.Option(help="How words may resemble a text.")
    ] = "substring",
    distance: Annotated[int, typer.Option(help="With `edits`: how many at most.", min=0)] = 1,
    limit: Annotated[int, typer.Option(help="Words for each text at most.", min=1)] = 20,
    dictionaries: Dictionaries = None,
    tables: FromTables = None,
    as_json: AsJson = False,
) -> None:
    """Find words that begin with a text, hold it, or are a few edits away from it. Exits with 1 if there is none.

    Example: see search docter --how edits
    """
    kb = _open(dictionaries, None, tables)
    answers = dict(zip(texts, kb.search(texts, how, distance, limit), strict=True))
    if as_json:
        print_json(answers)
    for text, found in answers.items() if not as_json else ():
        typer.echo(f"{text}: {', '.join(found) or 'nothing found'}")
    if not all(answers.values()):
        raise typer.Exit(1)


def sememe(
    names: Annotated[list[str], typer.Argument(help="Sememes: `human|人`, or either half.")],
    limit: Annotated[int, typer.Option(help="Senses for each at most.", min=0)] = 10,
    dictionaries: Dictionaries = None,
    taxonomy: Taxonomy = None,
    tables: FromTables = None,
    as_json: AsJson = False,
) -> None:
    """Show sememes: what they relate to, and senses that have them. Exits with 1 if one is not known.

    Example: see sememe human --taxonomy taxonomy_folder --hownet HowNet.txt
    """
    kb = _open(dictionaries, taxonomy, tables)
    rows: list[dict[str, Any]] = []
    for found in kb.find_sememes(names):
        for name in found:
            senses = kb.senses_with([name])[0]
            relations = [{"relation": relation, "sememe": other} for relation, other in kb.related([name])[0]]
            shown = [{"en": s.en_word, "zh": s.zh_word, "definition": s.definition} for s in senses[:limit]]
            rows.append({"sememe": name, "n_senses": len(senses), "relations": relations, "senses": shown})
    if as_json:
        print_json(rows)
    for row in rows if not as_json else ():
        typer.echo(f"{row['sememe']}: {row['n_senses']:,} senses")
        typer.echo("".join(f"  {r['relation']} {r['sememe']}\n" for r in row["relations"]), nl=False)
        typer.echo("".join(f"  {s['en'] or '–'} / {s['zh'] or '–'}  {s['definition']}\n" for s in row["senses"]))
    if not all(kb.find_sememes(names)):
        raise typer.Exit(1)


def check(
    dictionaries: Dictionaries = None,
    taxonomy: Taxonomy = None,
    tables: Annotated[Path | None, typer.Option(help="A folder of tables to check, alone or beside the rest.")] = None,
    code: Annotated[str | None, typer.Option(help="Show only findings of one rule.")] = None,
    limit: Annotated[int, typer.Option(help="Findings of each rule to show.", min=0)] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if anything shown is to be mended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold a dictionary, its taxonomy and a folder of tables against the rules; count and show what breaks them.

    Example: see check --hownet HowNet.txt --taxonomy taxonomy_folder --tables my_tables
    """
    from pipelines.checks import check_all, checks_table

    report = check_all(dictionaries or (), _triples(dictionaries, taxonomy), tables)
    if code is not None and code not in report.messages:
        raise SeeError(f"{code}: no rule of that name; the rules are {', '.join(report.messages)}")
    if as_json:
        print_json(report.as_dict(code, limit))
    else:
        from pipelines.console import output

        output().print(checks_table(report, code, limit))
    if strict and report.faults(code):
        raise typer.Exit(3)
