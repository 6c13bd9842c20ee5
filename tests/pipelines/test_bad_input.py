"""Whatever a user gives: one clear line that names the place, a non-zero exit, and nothing half-written."""

import hashlib
import os
import pickle
import shutil

import duckdb
import pytest

from tests.pipelines.command import assert_one_line, see
from tests.small_data import BAD_RECORD_LINE, SENSES, sentencepiece_model, small_inputs

GOOD = SENSES[0]
DEEP = "{a|b:" * 999 + "{a|b}" + "}" * 999

BAD_DICTIONARIES = {
    "truncated record": (b"NO.=000001\nW_C=\xe4\xba\xba\nW_E=man\n", ":1:"),
    "unbalanced brace": ("W_E=man\nDEF={human|人\n".encode(), ":2:"),
    "a thousand levels": (f"W_E=man\nDEF={DEEP}\n".encode(), ":2:"),
    "a line of 10 MB": (b"W_E=man\nRMK=" + b"x" * 10_000_000 + b"\nDEF={human|a}\n", ":2:"),
    "binary junk": (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 50, ":1:"),
    "binary junk without NUL": (bytes(range(1, 256)) * 50, ":"),
    "utf-16": (GOOD.encode("utf-16"), ":1:"),
    "latin-1": ("NO.=1\nW_E=café\nDEF={house|房}\n".encode().replace("é".encode(), b"\xe9"), ":"),
    "empty": (b"", ":1:"),
    "blank": (b"\n\n", ":1:"),
}

BAD_TOKENIZERS = {
    "text": (b"NO.=000001\nW_C=a\n", ""),
    "empty": (b"", ""),
    "binary junk": (bytes(range(1, 256)) * 50, ""),
    "cut off": (sentencepiece_model([("<unk>", 2), ("▁a piece", 1)])[:-3], ""),
    "other json": (b'{"name": "x"}', ""),
    "damaged json": (b'{\n"a": 0,\n', ":3"),
    "an id out of range": (b'{"a": 0, "b": 999999999999}', ""),
    "a lone surrogate": (b'{"a": 0, "\\ud800": 1}', ""),
    "text that is not utf-8": (b"\x0a\x04\x0a\x02\xff\xfe", ""),
}


@pytest.fixture
def inputs(tmp_path):
    return small_inputs(tmp_path)


@pytest.fixture
def out(small_tables, tmp_path):
    """An output folder with old tables, and a function that tells whether they are whole."""
    return shutil.copytree(small_tables, tmp_path / "place" / "out")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def build(inputs, out, *options, before=""):
    return see(
        "build",
        "--only",
        "--hownet",
        inputs.dictionaries[0],
        "--tokenizer",
        inputs.tokenizer,
        "--out",
        out,
        *options,
        before=before,
    )


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def assert_alone(folder):
    """Nothing lies beside a folder of tables, and a reader finds it sound."""
    assert names(folder.parent) == [folder.name]
    assert duckdb.sql(f"SELECT count(*) FROM '{folder}/pieces.parquet'").fetchall()[0][0] > 0


@pytest.mark.parametrize("name", BAD_DICTIONARIES)
def test_a_dictionary_that_cannot_be_read(inputs, tmp_path, name):
    data, place = BAD_DICTIONARIES[name]
    inputs.dictionaries[0].write_bytes(data)
    process = build(inputs, tmp_path / "place" / "out")
    assert_one_line(process, f"{inputs.dictionaries[0]}{place}")
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize("name", BAD_TOKENIZERS)
def test_a_tokenizer_that_is_none(inputs, tmp_path, name):
    data, place = BAD_TOKENIZERS[name]
    inputs.tokenizer.write_bytes(data)
    process = build(inputs, tmp_path / "place" / "out")
    assert_one_line(process, f"{inputs.tokenizer}{place}")
    assert not (tmp_path / "place").exists()


class Command:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_pickle_with_code_in_it(inputs, tmp_path):
    folder = tmp_path / "resources"
    folder.mkdir()
    (folder / "HowNet_dict_complete").write_bytes(pickle.dumps({"1": Command(f"touch {tmp_path / 'was_run'}")}))
    process = see("build", "--only", "--hownet", folder, "--tokenizer", inputs.tokenizer, "--out", tmp_path / "out")
    assert_one_line(process, folder / "HowNet_dict_complete", "refused")
    assert not (tmp_path / "was_run").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--hownet", "--tokenizer", "--taxonomy"])
def test_a_file_that_is_missing(inputs, tmp_path, option):
    process = build(inputs, tmp_path / "out", option, tmp_path / "missing")
    assert_one_line(process, tmp_path / "missing")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_exists(inputs, out):
    before = digests(out)
    assert_one_line(build(inputs, out), out, "--overwrite")
    assert digests(out) == before
    assert_alone(out)


def test_a_file_in_the_place_of_the_output_folder(inputs, tmp_path):
    (tmp_path / "out").write_text("mine")
    assert_one_line(build(inputs, tmp_path / "out", "--overwrite"), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


@pytest.mark.parametrize("size", [100, 5_000, 100_000, 200_000, 1_000_000])
def test_a_full_disk(inputs, out, size):
    """A limit on the size of files fails as a full disk does: at the first, a later Parquet file, the database."""
    before = digests(out)
    process = build(inputs, out, "--overwrite", before=FULL.format(size=size))
    assert_one_line(process, out)
    assert digests(out) == before
    assert_alone(out)


KILL = """
import os, signal
import pipelines.build
def killed(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)
pipelines.build.{step} = killed
"""


@pytest.mark.parametrize("step", ["write_parquet", "write_database", "write_manifest"])
def test_a_kill_in_mid_write(inputs, out, step):
    before = digests(out)
    process = build(inputs, out, "--overwrite", before=KILL.format(step=step))
    assert process.returncode == -9
    assert digests(out) == before
    assert build(inputs, out, "--overwrite").returncode == 3
    assert_alone(out)


KILL_BETWEEN_MOVES = """
import os, pathlib, signal
rename = pathlib.Path.rename
def killed(self, target):
    if ".partial-" in self.name:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
pathlib.Path.rename = killed
"""


def test_a_kill_between_the_old_tables_move_and_the_new_ones(inputs, out):
    before = digests(out)
    assert build(inputs, out, "--overwrite", before=KILL_BETWEEN_MOVES).returncode == -9
    assert_one_line(build(inputs, out, "--order", 2), out, "--overwrite")
    assert digests(out) == before
    assert_alone(out)


def test_a_kill_in_mid_write_leaves_no_folder_where_none_was(inputs, tmp_path):
    out = tmp_path / "place" / "out"
    assert build(inputs, out, before=KILL.format(step="write_manifest")).returncode == -9
    assert not out.exists()
    assert build(inputs, out).returncode == 3
    assert_alone(out)


def test_a_bad_record_among_good_ones_is_left_out_and_listed(inputs, tmp_path):
    out = tmp_path / "place" / "out"
    process = build(inputs, out)
    assert_one_line(process, f"words.txt:{BAD_RECORD_LINE}:", "never closed", "rejects.parquet", code=3)
    assert duckdb.sql(f"SELECT count(*) FROM '{out}/senses.parquet'").fetchall() == [(len(SENSES),)]
    assert duckdb.sql(f"SELECT file, line FROM '{out}/rejects.parquet'").fetchall() == [("words.txt", BAD_RECORD_LINE)]
    assert_alone(out)


def test_a_bad_record_may_be_accepted(inputs, tmp_path):
    assert build(inputs, tmp_path / "out", "--accept-rejects").returncode == 0


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (("coverage", "{out}", "--frequency", "{bad}"), "{bad}:1:"),
        (("coverage", "{tmp}"), "{tmp}"),
        (("coverage", "{out}", "--html", "{tmp}/x.html", "--frequency", "{bad}"), "--html"),
        (("coverage", "{out}", "--html", "{tmp}/x.html", "--json"), "--html"),
        (("coverage", "{out}", "--against", "{out}", "--frequency", "{bad}"), "--against"),
        (("tree", "\udcff"), "not in UTF-8"),
        (("build", "--hownet", "{tmp}/\udcba.txt", "--out", "{tmp}/new"), "not in UTF-8"),
        (("build", "--hownet", "{gbk}", "--out", "{tmp}/new"), "not in UTF-8"),
        (("sql", "SELECT * FROM read_text('/etc/passwd')", "--tables", "{out}"), "{out}"),
        (("sql", "DROP TABLE pieces", "--tables", "{out}"), "DROP TABLE"),
        (("sql", "SELECT 1", "--tables", "{tmp}"), "{tmp}"),
        (("lookup", "man", "--tables", "{tmp}"), "{tmp}"),
        (("lookup", "man", "--hownet", "{bad}"), "{bad}:1:"),
        (("lookup", "man", "--hownet", "{bad}", "--tables", "{out}"), "--tables"),
        (("download", "{out}"), "{out}"),
    ],
)
def test_the_other_commands_fail_in_one_line_too(out, tmp_path, command, named):
    places = {"out": out, "bad": tmp_path / "bad.txt", "tmp": tmp_path, "gbk": tmp_path / "gbk"}
    places["bad"].write_text("nothing of the kind\n")
    places["gbk"].mkdir()
    (places["gbk"] / "\udcba.txt").write_text("a name as an old computer wrote it")
    assert_one_line(see(*(part.format(**places) for part in command)), named.format(**places))
