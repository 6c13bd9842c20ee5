# Makes the project's own Python environment once, and sets `python` and `bin` to it. Sourced by the other scripts.
# SEE_VENV names another place than .venv; SEE_PYTHON another interpreter (3.11 or newer).

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export OMP_WAIT_POLICY=PASSIVE # waiting OpenMP threads that spin stall a busy machine
venv=${SEE_VENV:-.venv}
bin=$venv/bin
python=$bin/python

usable() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${SEE_PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "needs Python 3.11 or newer with venv; install it, or name one in SEE_PYTHON" >&2
    return 1
}

# What the environment was made from: it is made anew when this changes.
stamp=$(cat pyproject.toml constraints.txt | cksum)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    base=$(find_python) || exit 1
    if [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv" 2>/dev/null)" ]; then
        echo "$venv: holds something else than an environment; name another place in SEE_VENV" >&2
        exit 1
    fi
    echo "Making $venv with $base (once; about two minutes)" >&2
    "$base" -m venv --clear "$venv" || exit 1
    # constraints.txt pins torch: a bare `torch` takes the newest build, with gigabytes of CUDA libraries.
    # Without a GPU the CPU build is taken if any index that pip is set up with offers it.
    if ! command -v nvidia-smi >/dev/null; then
        "$python" -m pip install -qq --disable-pip-version-check \
            "$(sed -n 's/^torch==.*/&+cpu/p' constraints.txt)" 2>/dev/null || true
    fi
    "$python" -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,plots,training,translation]' || exit 1
    echo "$stamp" >"$venv/stamp"
fi
