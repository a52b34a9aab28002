#!/bin/sh
# Installs requirements/<set>.txt into .venv, unless it is installed already.
#
#   deploy/bootstrap.sh base|dev|bench|mutation
#
# PYTHON=/path/to/python names the interpreter; without it the first one that works is used.
set -eu

set=${1:?usage: deploy/bootstrap.sh base|dev|bench|mutation}
cd "$(dirname "$0")/.."
stamp=.venv/.keyhouse

say() { echo "bootstrap: $*" >&2; }

# Candidates are run, because names prove nothing: pyenv leaves shims on PATH that exit 127, Debian ships a Python without venv.
# A .venv depends on the Python's home and its version.
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

# A .venv contains absolute paths: it is unusable after its clone was moved, or its Python removed.
home() {
    echo "$PWD $(.venv/bin/python -c "$identity" 2>/dev/null || echo none)"
}

wants_other_python() {
    [ -n "${PYTHON:-}" ] && [ "$("$PYTHON" -c "$identity" 2>/dev/null)" != "$(.venv/bin/python -c "$identity")" ]
}

# The stamp is removed before anything is installed, and written last: an interrupted installation has none.
usable() {
    [ -f "$stamp" ] && [ "$(sed -n 1p "$stamp")" = "$(home)" ] && ! wants_other_python
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

# Shows on one line of a terminal which package pip collects, and pip's errors; returns pip's exit status.
show_progress() {
    show() { if [ -t 2 ]; then printf '\r\033[K%s' "${1:+bootstrap: $1}" >&2; fi; }
    number=0
    has_failed=
    while IFS= read -r line; do
        case "$line" in
            'Collecting '*)
                number=$((number + 1))
                name=${line#Collecting }
                show "collecting package $number: ${name%% *}"
                ;;
            'Installing collected packages'*) show "unpacking $number packages" ;;
            'pip ended '*) status=${line#pip ended } && break ;;
            ERROR* | Traceback* | *'error: '*) has_failed=yes ;;
        esac
        if [ -n "$has_failed" ]; then echo "$line" >&2; fi
    done
    show ''
    return "$status"
}

install() {
    say "installing requirements/$set.txt into .venv; this takes a minute or two"
    rm -f "$stamp"
    pip=".venv/bin/python -m pip --disable-pip-version-check --no-color install --no-input --progress-bar off"
    { $pip --require-hashes -r "requirements/$set.txt" 2>&1 && echo 'pip ended 0' || echo 'pip ended 1'; } | show_progress
    say "installed"
    { home; wanted; } >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

# Two makes may start together on a fresh clone. Python provides flock, which the kernel releases when a process is killed.
with_lock='import fcntl, os, sys
lock = os.open(".keyhouse/bootstrap.lock", os.O_CREAT | os.O_RDWR, 0o644)
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock, True)
os.execv("/bin/sh", ["sh", *sys.argv[1:]])'

# bench and mutation include dev, and dev includes base, at the same versions: a larger set serves for a smaller one.
if usable; then
    case "$set $(sed -n 2p "$stamp")" in
        'base bench '* | 'dev bench '*) set=bench ;;
        'base mutation '* | 'dev mutation '*) set=mutation ;;
        'base dev '*) set=dev ;;
    esac
fi
if usable && complete; then exit; fi

python=$(find_python)
if [ -z "$python" ]; then
    say "no Python 3.12 to 3.15 with venv and ensurepip found: install one (Debian: python3 and python3-venv) or set PYTHON=/path/to/python"
    exit 1
fi
if [ -z "${KEYHOUSE_BOOTSTRAP_LOCKED:-}" ]; then
    mkdir -p .keyhouse
    KEYHOUSE_BOOTSTRAP_LOCKED=1 exec "$python" -c "$with_lock" "$PWD/deploy/bootstrap.sh" "$set"
fi
usable || make_venv
install
