"""What all tests have in common: settings made before anything heavy is imported, and one small folder of tables."""

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch: waiting threads that spin stall busy machines

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.small_data import small_inputs

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("true", "1") else "local")


@pytest.fixture(scope="session")
def small_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of the small dictionary and the small vocabulary; tests must not change the folder."""
    from pipelines.build import build_tables

    place = tmp_path_factory.mktemp("small")
    return build_tables(small_inputs(place), place / "tables").folder
