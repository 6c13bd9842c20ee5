#!/usr/bin/env bash
# The main job on bundled data: tables, coverage, factors and a layer, into see_tables/ and see_factors/.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
"$bin/see" demo --overwrite "$@"
