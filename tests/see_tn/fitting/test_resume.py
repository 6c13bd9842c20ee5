import signal
import subprocess
import sys

import pytest
import torch

from see_tn.errors import FactorError
from see_tn.fitting.als import FitOptions, fit_als
from tests.see_tn.examples import SHAPES, seeded, some_rows
from tests.shared_data import ROOT

SHAPE = SHAPES[4]
ROWS = some_rows(n_pieces=60)
TEACHER = torch.randn(60, SHAPE.width, generator=seeded(1))
OPTIONS = FitOptions(sweeps=6, tolerance=0)


class KilledError(Exception):
    pass


def fit(path=None, stop_at=None, teacher=TEACHER, options=OPTIONS, seed=3, **others):
    def progress(sweep):
        if sweep.number == stop_at:
            raise KilledError

    return fit_als(
        ROWS, teacher, SHAPE, generator=seeded(seed), options=options, resume=path, progress=progress, **others
    )


@pytest.mark.parametrize("stop_at", [0, 3, 6])
def test_a_stopped_fit_ends_with_the_same_factors(tmp_path, stop_at):
    whole = fit()
    path = tmp_path / "fit.safetensors"
    with pytest.raises(KilledError):
        fit(path, stop_at)
    seen = []
    resumed = fit_als(ROWS, TEACHER, SHAPE, generator=seeded(3), options=OPTIONS, resume=path, progress=seen.append)
    assert all(torch.equal(one, other) for one, other in zip(whole.cores, resumed.cores, strict=True))
    assert [sweep.number for sweep in seen] == list(range(stop_at + 1, 7))
    assert [sweep.quality for sweep in resumed.report.sweeps] == [sweep.quality for sweep in whole.report.sweeps]
    assert resumed.report.stopped_because == whole.report.stopped_because


def test_a_process_that_was_killed_goes_on(tmp_path):
    path = tmp_path / "fit.safetensors"
    code = f"""
import os, signal
from pathlib import Path
from tests.see_tn.fitting import test_resume
def kill(sweep):
    if sweep.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
test_resume.fit_als(test_resume.ROWS, test_resume.TEACHER, test_resume.SHAPE, generator=test_resume.seeded(3),
                    options=test_resume.OPTIONS, resume=Path({str(path)!r}), progress=kill)
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert process.returncode == -signal.SIGKILL
    for one, other in zip(fit().cores, fit(path).cores, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_sweeps_of_a_longer_fit_are_told_as_they_are(tmp_path):
    path = tmp_path / "fit.safetensors"
    fit(path)
    assert fit(path, options=FitOptions(sweeps=2, tolerance=0)).report.stopped_because == "all 6 sweeps are done"


def test_more_sweeps_may_be_asked_for_of_a_finished_fit(tmp_path):
    path = tmp_path / "fit.safetensors"
    fit(path)
    longer = fit(path, options=FitOptions(sweeps=9, tolerance=0))
    whole = fit(options=FitOptions(sweeps=9, tolerance=0))
    assert all(torch.equal(one, other) for one, other in zip(whole.cores, longer.cores, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"teacher": TEACHER + 1},
        {"seed": 4},
        {"options": FitOptions(steps=3)},
        {"weights": torch.arange(1, 61)},
        {"offset": False},
    ],
)
def test_the_state_of_another_fit_is_refused(tmp_path, changes):
    path = tmp_path / "fit.safetensors"
    fit(path)
    with pytest.raises(FactorError, match="the state of another fit"):
        fit(path, **changes)


@pytest.mark.parametrize("content", [b"", b"junk", b"{}" * 100])
def test_a_damaged_state_is_refused(tmp_path, content):
    path = tmp_path / "fit.safetensors"
    path.write_bytes(content)
    with pytest.raises(FactorError, match=r"fit\.safetensors: not the state of a fit .* remove it to start anew"):
        fit(path)


def test_a_state_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(FactorError, match="cannot be written"):
        fit(tmp_path / "nowhere" / "fit.safetensors")
