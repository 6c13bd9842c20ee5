"""The command line: exit codes, help that teaches, JSON for programs, and where things go by default."""

import json
import os

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipelines.cli import app, main
from pipelines.commands.options import TABLES
from tests.pipelines.command import assert_one_line, see
from tests.small_data import PIECES, SENSES, small_inputs

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run `see` in this process, in an empty folder; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["see", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code, captured.out, captured.err

    return call


@pytest.fixture
def build(run, tmp_path):
    inputs = small_inputs(tmp_path)
    return lambda *options: run(
        "build", "--only", "--hownet", inputs.dictionaries[0], "--tokenizer", inputs.tokenizer, *options
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_an_example(command):
    result = CliRunner().invoke(app, [command, "--help"], terminal_width=200)
    assert result.exit_code == 0
    assert f"Example: see {command}" in result.output


def test_help_lists_every_command():
    result = CliRunner().invoke(app, ["--help"])
    assert {"build", "coverage", "lookup", "sql"} <= set(COMMANDS)
    assert all(command in result.output for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["nonsense"], ["build", "--order", "1"], ["build", "--order", "x"], ["sql"]]
)
def test_wrong_usage_exits_with_2(run, arguments):
    code, _, errors = run(*arguments)
    assert code == 2
    assert "Traceback" not in errors


def test_build_goes_to_the_default_folder_from_which_the_others_read(build, run):
    code, output, errors = build()
    assert (code, errors.count("\n")) == (3, 1)
    assert f"{len(SENSES)} senses" in output
    assert f"{len(PIECES)} pieces" in output
    assert (TABLES / "manifest.json").is_file()
    assert run("coverage")[0] == 0
    assert run("sql", "SELECT 1")[0] == 0


def test_build_reports_in_json(build):
    code, output, _ = build("--json", "--accept-rejects", "--out", "tables", "--order", "2")
    report = json.loads(output)
    assert code == 0
    assert (report["folder"], report["n_senses"], report["n_pieces"]) == ("tables", len(SENSES), len(PIECES))
    assert [reject["file"] for reject in report["rejects"]] == ["words.txt"]


def test_without_a_dictionary_and_a_tokenizer_the_bundled_ones_are_used(run):
    code, output, errors = run("build", "--json")
    report = json.loads(output)
    assert (code, errors, report["rejects"]) == (0, "", [])
    assert report["n_senses"] >= 600
    assert report["n_pieces"] > 0


@pytest.mark.parametrize("command", [("coverage",), ("sql", "SELECT 1"), ("lookup", "man", "--tables", TABLES)])
def test_a_missing_folder_is_named_with_the_command_that_makes_it(run, command):
    code, output, errors = run(*command)
    assert (code, output) == (1, "")
    assert errors.startswith(f"see: {TABLES}: ")
    assert "see build" in errors
    assert errors.count("\n") == 1


def test_coverage_is_shown_and_given_as_json(run, small_tables, tmp_path):
    (tmp_path / "words.tsv").write_text("man\t1\nzxq\t1\n")
    code, output, _ = run("coverage", small_tables, "--frequency", "words.tsv")
    assert code == 0
    assert "Latin" in output
    content = json.loads(run("coverage", small_tables, "--frequency", "words.tsv", "--json")[1])
    assert content["by_script"][0]["words"] == 15
    assert content["running_text"][0]["share"] == 0.5


def test_json_of_coverage_holds_no_value_that_json_lacks(run, small_tables):
    """A script without words has no share: that is null, not NaN."""
    output = run("coverage", small_tables, "--json")[1]

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(output, parse_constant=refuse)
    assert {row["script"]: row["share"] for row in content["by_script"]}["Common"] is None


def test_lookup_shows_senses_and_exits_with_1_if_a_word_is_not_found(run, small_tables):
    code, output, _ = run("lookup", "doctor", "--tables", small_tables)
    assert code == 0
    assert "医生" in output
    code, output, errors = run("lookup", "doctor", "zxq", "[/x]", "--tables", small_tables, "--json")
    assert (code, errors) == (1, "")
    answers = json.loads(output)
    assert [(answer["word"], answer["rule"]) for answer in answers] == [
        ("doctor", "exact"),
        ("zxq", "none"),
        ("[/x]", "none"),
    ]
    assert run("lookup", "[/x]", "--tables", small_tables)[0] == 1


def test_lookup_reads_the_bundled_lexicon_by_default(run):
    code, output, _ = run("lookup", "doctor", "医生", "--json")
    assert code == 0
    assert all(answer["rule"] == "exact" for answer in json.loads(output))


def test_sql_gives_a_table_or_json(run, small_tables):
    code, output, _ = run("sql", "SELECT piece, rule FROM pieces WHERE piece_id = 3", "--tables", small_tables)
    assert code == 0
    assert "▁man" in output
    output = run("sql", "SELECT piece_id, piece FROM pieces LIMIT 2", "--tables", small_tables, "--json")[1]
    assert json.loads(output) == [{"piece_id": 0, "piece": "<unk>"}, {"piece_id": 1, "piece": "<s>"}]


@pytest.mark.parametrize("text", ["[/x]", "[bold]", "[unused7]", "[red]a[/red]", "\\[a]", ":smile:", "a\nb"])
def test_sql_shows_text_as_it_is(run, small_tables, text):
    code, output, errors = run("sql", f"SELECT '{text}' AS a", "--tables", small_tables)
    assert (code, errors) == (0, "")
    for line in text.split("\n"):
        assert line in output


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a, 2 AS a",
        "SELECT '\\xFF'::BLOB AS b",
        "SELECT DATE '2020-01-01' AS d, INTERVAL 1 DAY AS i, NULL AS n, [1, 2] AS l, {'a': 1} AS s",
        "SELECT 'NaN'::DOUBLE AS x, 1e400::DOUBLE AS y",
        "SELECT 170141183460469231731687303715884105727 AS h, uuid() AS u",
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_sql_shows_values_of_any_type_or_says_why_not(small_tables, query, options):
    process = see("sql", query, "--tables", small_tables, *options)
    if process.returncode == 0:
        assert process.stderr == ""
        assert not options or len(json.loads(process.stdout)) == 1
    else:
        assert_one_line(process)


def test_a_word_that_is_no_text_is_no_reason_for_a_traceback(small_tables):
    process = see("lookup", os.fsdecode(b"\xff"), "--tables", small_tables)
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
