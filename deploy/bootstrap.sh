#!/bin/sh
# Installs requirements/<set>.txt into .venv. Does nothing if they are installed already.
#
#   deploy/bootstrap.sh base|dev|bench
#
# PYTHON=/path/to/python selects the interpreter. By default, the first suitable one is used.
set -eu

set=${1:?usage: deploy/bootstrap.sh base|dev|bench}
cd "$(dirname "$0")/.."
stamp=.venv/.keyhouse

say() { echo "bootstrap: $*" >&2; }

# Each candidate is executed, because its name is not sufficient: pyenv's shims on PATH may exit with 127, and Debian's Python may
# lack venv. `identity` prints what a .venv depends on: the home and the version of the Python.
identity='import sys; print(sys.base_prefix, *sys.version_info[:2])'
works() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 15))' >/dev/null 2>&1
}

candidates() {
    pyenv=${PYENV_ROOT:-${HOME:-}/.pyenv}/versions
    uv=${XDG_DATA_HOME:-${HOME:-}/.local/share}/uv/python
    for version in 3.13 3.12 3.14 3.15; do
        command -v "python$version" || true
        for path in "$pyenv/$version".*/bin/python "$pyenv/$version"/bin/python "$uv/cpython-$version".*/bin/python; do
            echo "$path"
        done
    done
    command -v python3 || true
    command -v python || true
    for path in "$pyenv"/*/bin/python "$uv"/*/bin/python; do
        echo "$path"
    done
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        works "$PYTHON" && echo "$PYTHON" && return
        say "PYTHON=$PYTHON is not a Python 3.12 to 3.15 with venv and ensurepip"
        return 1
    fi
    candidates | while IFS= read -r path; do
        if works "$path"; then
            echo "$path"
            break
        fi
    done
}

# A .venv contains absolute paths. It is unusable after its clone was moved or its Python was removed.
home() {
    echo "$PWD $(.venv/bin/python -c "$identity" 2>/dev/null || echo none)"
}

other_python_requested() {
    [ -n "${PYTHON:-}" ] && [ "$("$PYTHON" -c "$identity" 2>/dev/null)" != "$(.venv/bin/python -c "$identity")" ]
}

# The stamp is deleted before the installation and written after it, so that an interrupted installation has none.
usable() {
    [ -f "$stamp" ] && [ "$(sed -n 1p "$stamp")" = "$(home)" ] && ! other_python_requested
}

wanted() {
    echo "$set $(cksum <"requirements/$set.txt")"
}

complete() {
    [ "$(sed -n 2p "$stamp")" = "$(wanted)" ]
}

make_venv() {
    say "creating .venv with $python ($("$python" -V))"
    rm -rf .venv
    "$python" -m venv .venv
}

install() {
    say "installing requirements/$set.txt into .venv"
    rm -f "$stamp"
    .venv/bin/python -m pip --disable-pip-version-check -qq install --no-input --require-hashes -r "requirements/$set.txt"
    { home; wanted; } >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

# Two makes may start concurrently on a fresh clone. Python takes an flock, which is released even if the process is killed.
with_lock='import fcntl, os, sys
lock = os.open(".keyhouse/bootstrap.lock", os.O_CREAT | os.O_RDWR, 0o644)
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock, True)
os.execv("/bin/sh", ["sh", *sys.argv[1:]])'

# bench includes dev, and dev includes base, at the same versions. A .venv with a larger set is kept for a smaller one.
if usable; then
    case "$set $(sed -n 2p "$stamp")" in
        *' bench '*) set=bench ;;
        'base dev '*) set=dev ;;
    esac
fi
if usable && complete; then exit; fi

python=$(find_python)
if [ -z "$python" ]; then
    say "found no Python 3.12 to 3.15 with venv and ensurepip; install one (Debian: python3 and python3-venv) or set PYTHON=/path/to/python"
    exit 1
fi
if [ -z "${KEYHOUSE_BOOTSTRAP_LOCKED:-}" ]; then
    mkdir -p .keyhouse
    KEYHOUSE_BOOTSTRAP_LOCKED=1 exec "$python" -c "$with_lock" "$PWD/deploy/bootstrap.sh" "$set"
fi
usable || make_venv
install
