"""The page of coverage in a real browser: it draws, it filters, and it loads nothing from elsewhere."""

import html
import json
import os
import re
import shutil
import subprocess

import pytest

from pipelines.build import BuildInputs, build_tables
from pipelines.coverage_page import write_page
from see_kb.errors import SeeError
from tests.pipelines.command import assert_one_line, see
from tests.small_data import NORMAL, sentencepiece_model, small_inputs

MARKUP = ["</script><b>", "<!--", "<script>", "<img/>"]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

needs_browser = pytest.mark.skipif(
    BROWSER is None and not os.environ.get("CI"), reason="no Chromium is installed (Debian: chromium)"
)


@pytest.fixture(scope="module")
def page(small_tables, tmp_path_factory):
    target = tmp_path_factory.mktemp("page") / "coverage.html"
    write_page(small_tables, target)
    return target.read_text(encoding="utf-8")


def opened(page, folder, script=""):
    """The page's own document once a browser has run it, with a script of ours behind its own."""
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    shown = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    ).stdout
    body = re.search(r'<tbody id="rows">(.*?)</tbody>', shown, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    return shown, [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in rows]


@needs_browser
def test_it_draws_plots_and_the_first_pieces(page, tmp_path):
    shown, rows = opened(page, tmp_path)
    assert shown.count("<svg") == 5
    assert shown.count("<rect") >= 10
    assert len(rows) == 100
    assert rows[3][:4] == ["▁man", "Latin", "exact", "man"]
    assert rows[3][4] == "human|人"


@needs_browser
def test_it_filters_by_text_rule_and_script(page, tmp_path):
    change = 'find("{}").value = "{}"; find("{}").dispatchEvent(new Event("{}"));'
    by_text = opened(page, tmp_path, change.format("search", "UNBREAK", "search", "input"))[1]
    assert [row[0] for row in by_text] == ["▁unbreakable"]
    by_sememe = opened(page, tmp_path, change.format("search", "cure", "search", "input"))[1]
    assert {row[0] for row in by_sememe} == {"医生", "醫生", "▁Doctor"}
    both = change.format("rule", "exact", "rule", "change") + change.format("script", "Han", "script", "change")
    assert {row[0] for row in opened(page, tmp_path, both)[1]} == {"人", "医生"}
    assert opened(page, tmp_path, change.format("search", "zzzz", "search", "input"))[1] == []


def test_it_names_nothing_outside_itself(page):
    assert "http" not in page.replace("http-equiv", "")
    assert not re.search(r"""\b(src|href)\s*=|@import|url\(|fetch\(|XMLHttpRequest|import\(""", page)
    assert "default-src 'none'" in page  # a browser would refuse what a tokenizer's piece might smuggle in


@pytest.fixture(scope="module")
def markup(tmp_path_factory):
    """The page of a vocabulary that is markup."""
    folder = tmp_path_factory.mktemp("markup")
    inputs = small_inputs(folder)
    (folder / "odd.model").write_bytes(sentencepiece_model([(text, NORMAL) for text in MARKUP]))
    odd = BuildInputs(inputs.dictionaries, folder / "odd.model", morphemes=inputs.morphemes, only=True)
    write_page(build_tables(odd, folder / "tables").folder, folder / "x.html")
    return (folder / "x.html").read_text(encoding="utf-8")


@needs_browser
def test_a_piece_that_is_markup_is_text(markup, tmp_path):
    _, rows = opened(markup, tmp_path)
    assert [row[0] for row in rows] == [html.escape(text) for text in MARKUP]


def test_no_piece_opens_or_ends_a_script(markup):
    _, _, rest = markup.partition('type="application/json"')
    data, _, _ = rest.partition(">")[2].partition("</script>")
    assert "<" not in data
    assert [row[0] for row in json.loads(data)] == MARKUP


def test_the_command_writes_the_page_whole_or_not_at_all(small_tables, tmp_path):
    assert see("coverage", small_tables, "--html", tmp_path / "x.html").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]
    assert_one_line(see("coverage", small_tables, "--html", tmp_path), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]
    with pytest.raises(SeeError, match="no such folder"):
        write_page(small_tables, tmp_path / "missing" / "x.html")
