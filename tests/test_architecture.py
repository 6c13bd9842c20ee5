"""How the house is built: what may import what, and what no file may hold."""

import ast
import subprocess
import sys

import networkx as nx
import pytest

from tests.shared_data import ROOT

PACKAGES = ("see_kb", "see_tn", "pipelines")
FORBIDDEN = {
    "see_kb": {"torch", "see_tn", "pipelines"},
    "see_tn": {"see_kb", "pipelines"},
    "pipelines": set(),
}
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}
INITS = {name for name, path in SOURCES.items() if path.name == "__init__.py"}
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OUTSIDE = ("../" + "shared", "/work" + "/")
TEXTS = [".py", ".toml", ".md", ".sh", ".txt", ".cfg", ".yml", ".yaml", ".json", ".tsv", ""]
SKIPPED = {".git", ".venv", "venv", "build", "dist", "node_modules"}


def imported(tree):
    """The modules that a file imports, each as it is named."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name is from"
            yield node.module
            yield from (
                f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in SOURCES
            )


def test_the_packages_are_seen():
    assert {"see_kb.kdml", "see_kb.sources.files", "pipelines.cli"} <= set(SOURCES)
    assert set(PACKAGES) <= INITS


def test_there_is_no_import_cycle():
    graph = nx.DiGraph((name, other) for name, tree in TREES.items() for other in imported(tree) if other in SOURCES)
    assert graph.number_of_edges() > len(SOURCES) / 2
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_module_imports_nothing_that_its_package_must_not_know(name):
    tops = {module.split(".")[0] for module in imported(TREES[name])}
    assert not tops & FORBIDDEN[name.split(".")[0]]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_name_is_imported_from_the_module_that_defines_it(name):
    assert not set(imported(TREES[name])) & INITS


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_library_neither_prints_nor_asserts(name):
    calls = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.Call)]
    printing = [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]
    asserting = [node.lineno for node in ast.walk(TREES[name]) if isinstance(node, ast.Assert)]
    assert (printing, asserting) == ([], [])


@pytest.mark.parametrize("path", [*SOURCES.values(), *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_project_holds_no_packages_of_others():
    files = [path.relative_to(ROOT) for suffix in ("whl", "tar.gz", "zip") for path in ROOT.rglob(f"*.{suffix}")]
    assert [path for path in files if not SKIPPED & set(path.parts)] == []


def test_only_one_file_names_a_place_outside_the_project():
    files = [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and path.suffix in TEXTS
        and not SKIPPED & set(path.relative_to(ROOT).parts)
        and not any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts)
    ]
    assert len(files) > len(SOURCES)
    naming = {
        str(path.relative_to(ROOT))
        for path in files
        if any(place in path.read_text(encoding="utf-8", errors="replace") for place in OUTSIDE)
    }
    assert naming <= {"tests/shared_data.py"}


def modules_after(code: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(shown.stdout.split())


def test_see_kb_loads_neither_torch_nor_tensors():
    names = [name for name in SOURCES if name.startswith("see_kb")]
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded
    assert not {"torch", "tensornetwork", "see_tn", "pipelines"} & loaded


def test_building_tables_and_looking_words_up_load_no_torch(tmp_path):
    code = f"""
from pathlib import Path
import pipelines.build, pipelines.cli
from tests.small_data import small_inputs
place = Path({str(tmp_path)!r})
pipelines.build.build_tables(small_inputs(place), place / "tables")
"""
    loaded = modules_after(code)
    assert "pipelines.build" in loaded
    assert "torch" not in loaded
