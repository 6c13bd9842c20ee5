"""The download, with a stand-in for the package that knows the address: what comes is whole, or nothing is kept."""

import hashlib
import pickle

import pytest

from see_kb.errors import FormatError, SeeError
from see_kb.sources.openhownet import SENSES_FILE, download_openhownet, read_openhownet

SENSES = pickle.dumps({"1": {"No": "1", "en_word": "man", "ch_word": "人", "Def": "{human|人}"}}, 4)
WRITE = """
from pathlib import Path
def download():
    folder = Path.home() / ".openhownet" / "resources"
    folder.mkdir(parents=True)
    (folder / "{name}").write_bytes({data!r})
    (folder / "other.txt").write_text("beside it")
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package OpenHowNet with the given source before the real one."""

    def install(source):
        folder = tmp_path / "packages" / "OpenHowNet"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(source, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(folder.parent))

    return install


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def test_what_came_is_put_in_place(package, place):
    package(WRITE.format(name=SENSES_FILE, data=SENSES))
    target = place / "resources"
    source = download_openhownet(target, sha256=hashlib.sha256(SENSES).hexdigest())
    assert source.sha256 == hashlib.sha256(SENSES).hexdigest()
    assert names(place) == ["resources"]
    assert names(target) == [SENSES_FILE, "other.txt"]
    assert [sense.en_word for sense in read_openhownet(target).senses] == ["man"]


def test_the_users_home_is_left_alone(package, place, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    package(WRITE.format(name=SENSES_FILE, data=SENSES))
    download_openhownet(place / "resources")
    assert names(home) == []


@pytest.mark.parametrize(
    ("source", "options", "problem"),
    [
        ("def download():\n    raise OSError('Name or service not known')\n", {}, "Name or service not known"),
        ("import sys\ndef download():\n    sys.exit(3)\n", {}, "exit status 3"),
        ("def download():\n    import time; time.sleep(60)\n", {"timeout_seconds": 0.2}, "took over"),
        ("def download():\n    pass\n", {}, f"without {SENSES_FILE}"),
        (WRITE.format(name="HowNet_dict", data=SENSES), {}, f"without {SENSES_FILE}"),
        (WRITE.format(name=SENSES_FILE, data=SENSES), {"sha256": "0" * 64}, "expected 0000"),
        (WRITE.format(name=SENSES_FILE, data=SENSES[:20]), {}, "refused"),
        (WRITE.format(name=SENSES_FILE, data=b""), {}, "refused"),
    ],
)
def test_a_failed_download_says_why_and_leaves_nothing_behind(package, place, source, options, problem):
    package(source)
    with pytest.raises((SeeError, FormatError), match=problem) as caught:
        download_openhownet(place / "resources", **options)
    assert "\n" not in str(caught.value)
    assert names(place) == []


def test_a_target_that_exists_is_refused_before_anything_is_fetched(package, place):
    package("raise AssertionError('imported')")
    (place / "resources").mkdir()
    with pytest.raises(SeeError, match="exists already"):
        download_openhownet(place / "resources")
    assert names(place / "resources") == []
