#!/bin/sh
# Makes .venv from a lock, on a machine that has Python 3.11 and Java 17 and nothing else of the course's.
#
#   sh autograder/setup/environment.sh requirements.lock
#
# Does nothing when .venv was made from this very lock. A failure leaves a log, no stamp, and one sentence; the same
# command continues where it stopped. PYTHON names another interpreter than python3.11.
set -eu
cd "$(dirname "$0")/../.."

lock=$1
environment=.venv
installer=autograder/setup/installer.lock
log=${TMPDIR:-/tmp}/course-setup-$(id -u).log

fail() {
    echo "course: $1" >&2
    exit 1
}

# `python -m venv` hides the reason when it fails, so a disk that is nearly full is taken for one that is.
disk_is_full() {
    grep -qi 'no space left\|disk quota' "$log" || [ "$(df -Pk "$environment" | awk 'NR == 2 { print $4 }')" -lt 20000 ]
}

# The last lines of pip's or uv's log say which of the usual reasons it was.
fail_by_log() {
    if disk_is_full; then
        fail "The disk that holds $PWD is full; free about 2 GB and run the same command again."
    elif grep -qi 'read-only file system\|permission denied' "$log"; then
        fail "$PWD/$environment cannot be written to; make it writable, or clone the course elsewhere, and run the same command again."
    elif grep -qi 'hash mismatch\|do not match the hashes' "$log"; then
        fail "A package is not the one in $lock; do not trust the network or mirror you are using (details: $log)."
    elif grep -qi 'connect\|resolve host\|dns error\|name resolution\|timed out\|network\|no matching distribution' "$log"; then
        fail "The packages could not be fetched; check the network connection and run the same command again (details: $log)."
    fi
    fail "Installing $lock failed; the reason is at the end of $log."
}

run() {
    "$@" >>"$log" 2>&1 || fail_by_log
}

is_3_11() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
}

check_java() {
    java=java
    [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
    remedy='install Java 17 (Debian, Ubuntu: sudo apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17)'
    command -v "$java" >/dev/null 2>&1 || {
        [ -z "${JAVA_HOME:-}" ] || fail "JAVA_HOME is $JAVA_HOME, where there is no bin/java; unset it or point it at a Java 17."
        fail "There is no Java; $remedy and run the same command again."
    }
    version=$("$java" -version 2>&1 | sed -n 's/.*version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1)
    [ -n "$version" ] || fail "$java does not answer to 'java -version'; $remedy and run the same command again."
    [ "$version" -ge 17 ] || fail "$java is Java $version and Spark 4.1 needs 17; $remedy and set JAVA_HOME to it."
}

find_python() {
    for candidate in "${PYTHON:-python3.11}" python3 python; do
        if is_3_11 "$candidate"; then
            python=$candidate
            break
        fi
        [ -z "${PYTHON:-}" ] || fail "PYTHON is $PYTHON, which is not a Python 3.11; name one, as in: make lab PYTHON=/usr/bin/python3.11"
    done
    [ -n "${python:-}" ] || fail "There is no Python 3.11; install it (Debian, Ubuntu: sudo apt-get install python3.11 \
python3.11-venv; macOS: brew install python@3.11) or name it, as in: make lab PYTHON=/path/to/python3.11"
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        fail "$python cannot make virtual environments; install its venv package (Debian, Ubuntu: sudo apt-get install python3.11-venv)."
}

make_environment() {
    if is_3_11 "$environment/bin/python"; then
        "$environment/bin/python" -m pip --version >/dev/null 2>&1 || run "$environment/bin/python" -m ensurepip
    elif [ -x "$environment/bin/python" ] && "$environment/bin/python" -c '' 2>/dev/null; then
        fail "$PWD/$environment was made with another Python than 3.11; delete that folder and run the same command again."
    else
        find_python
        run "$python" -m venv --clear "$environment"
    fi
}

stamp_of() {
    echo "$environment/.course-$(cat "$1" "$installer" pyproject.toml | cksum | tr ' ' '-')"
}

case $PWD in
    *[[:space:]]*) fail "The path $PWD has a space in it, which Spark's launcher cannot read; move the course to a folder without one." ;;
esac
check_java
stamp=$(stamp_of "$lock")
if [ -e "$stamp" ] && is_3_11 "$environment/bin/python"; then
    exit 0
fi

: >"$log" || fail "$log cannot be written; free some space or set TMPDIR to a folder that has some."
make_environment
echo "Installing the packages of $lock (two minutes on a first run) ..." >&2
run "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$installer"
run "$environment/bin/python" -m uv pip install --python "$environment/bin/python" --require-hashes -r "$lock"
run "$environment/bin/python" -m uv pip install --python "$environment/bin/python" --no-deps --no-build-isolation -e .
: >"$stamp" || fail_by_log
# What tests need contains what learners need.
[ "$lock" != requirements-dev.lock ] || : >"$(stamp_of requirements.lock)"
rm -f "$log"
