"""What is missing on a machine, packages or memory, is told in one line."""

import pytest

from pipelines import cli
from pipelines.extras import need
from see_kb.errors import SeeError
from tests.pipelines.command import assert_one_line, see


def test_a_missing_package_is_told_with_its_extra():
    need("hf", "torch", "json")
    with pytest.raises(SeeError, match=r"needs the package no_such_one; pip install 'see-embeddings\[hf\]'"):
        need("hf", "torch", "no_such_one")


@pytest.mark.parametrize("command", ["finetune", "translate-bench"])
def test_training_without_its_packages_ends_at_once(command, tmp_path):
    hidden = (
        "import importlib.util as util; real = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'accelerate' else real(name, package)"
    )
    arguments = {
        "finetune": ("finetune", tmp_path, tmp_path, tmp_path / "text", "--out", tmp_path / "out"),
        "translate-bench": ("translate-bench", "--data", tmp_path, "--out", tmp_path / "out"),
    }
    assert_one_line(see(*arguments[command], before=hidden), "needs the package accelerate")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("message", "caught"), [("[enforce fail] DefaultCPUAllocator: can't allocate memory", True), ("a defect", False)]
)
def test_torch_without_memory_is_told_in_one_line(message, caught, monkeypatch, capsys):
    def fails():
        raise RuntimeError(message)

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit if caught else RuntimeError):
        cli.main()
    assert ("not enough memory" in capsys.readouterr().err) == caught
