#!/usr/bin/env bash
# Style, types and all tests. Arguments go to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
"$python" -m pytest "$@"
