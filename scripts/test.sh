#!/usr/bin/env bash
# Runs the tests of `./dev test` (mode test) and of `./dev check` (mode check, which adds torture, fuzz replay
# and the long forms). Every stage runs even when one before it has failed; the last line is the sum.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh
. scripts/build.sh

mode=$1
pattern=${2:-}
results=build/results
sanitizer_options=(UBSAN_OPTIONS=print_stacktrace=1
    "TSAN_OPTIONS=halt_on_error=1:suppressions=$PWD/tests/support/tsan.supp")
failed=0
times=()

# Newer kernels scatter memory more widely than gcc 12's thread sanitizer bears.
if [ -z "${CINNABAR_FIXED_MEMORY:-}" ] && [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] &&
    setarch -R true 2>/dev/null; then
    CINNABAR_FIXED_MEMORY=1 exec setarch -R scripts/test.sh "$@"
fi

# timed NAME COMMAND...: runs a stage, and notes how long it takes.
timed() {
    local name=$1 start=$SECONDS
    shift
    "$@"
    times+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
}

# Shows the log of a stage only when it went wrong.
quietly() {
    local log=$1
    shift
    if "$@" >"$log" 2>&1; then
        return 0
    fi
    grep -vE ' +Passed +[0-9.]+ sec$|^ +Start +[0-9]+:' "$log" >&2 || true
    return 1
}

# ctest on the programs of a preset. The time limit is a guard against hanging, no measure.
run_programs() {
    local preset=$1 except='^$'
    [ "$mode" = test ] && except='^(torture|fuzz|long)$'
    say "Unit and contract tests ($preset)"
    quietly "build/$preset.tests.log" env "${sanitizer_options[@]}" ctest --test-dir "build/$preset" --output-on-failure --timeout 600 \
        -j "$(($(nproc) * 2))" -LE "$except" ${pattern:+-R "$pattern"} --no-tests=ignore \
        --output-junit "$PWD/$results/programs-$preset.xml" || failed=1
}

# pytest NAME PRESET MARKERS PATHS...: black-box tests on the binary of a preset.
run_blackbox() {
    local name=$1 preset=$2 markers=$3 status=0
    shift 3
    [ "$mode" = test ] && markers="${markers:+($markers) and }not long"
    say "Black-box tests ($name)"
    CINNABAR_BINARY="$PWD/build/$preset/cinnabar" build/venv/bin/python -m pytest -q \
        -n "$(($(nproc) * 2))" ${markers:+-m "$markers"} ${pattern:+-k "$pattern"} \
        --junitxml="$results/blackbox-$name.xml" -o junit_suite_name="blackbox-$name" "$@" || status=$?
    # 5: a pattern that names none of these.
    [ $status -eq 0 ] || { [ $status -eq 5 ] && [ -n "$pattern" ]; } || failed=1
}

say_layers() {
    say "Layers"
    quietly build/layers.log python3 scripts/check_layers.py || failed=1
}

# What the tests need is fetched while the hub is being built.
prepare() {
    local building
    need_packages build
    build_preset release &
    building=$!
    need_packages test
    need_venv
    need_clients
    wait $building
}

# Whether the pattern, if there is one, names any test.
has_tests() {
    [ -z "$pattern" ] || ctest --test-dir build/release -N -R "$pattern" | grep '^ *Test *#' >/dev/null ||
        build/venv/bin/python -m pytest -q --collect-only -k "$pattern" tests/blackbox tests/scripts >/dev/null 2>&1
}

# test_preset PRESET MARKERS: everything on one binary.
test_preset() {
    local preset=$1 markers=$2
    timed "build ($preset)" build_preset "$preset"
    timed "unit and contract tests ($preset)" run_programs "$preset"
    timed "black-box tests ($preset)" run_blackbox "$preset" "$preset" "$markers" tests/blackbox
}

timed "packages and build (release)" prepare
has_tests || fail "No test matches $pattern"
rm -rf "$results"
mkdir -p "$results"

say_layers
say "Tests of the scripts"
build/venv/bin/python -m pytest -q tests/scripts ${pattern:+-k "$pattern"} \
    --junitxml="$results/scripts.xml" || [ -n "$pattern" ] || failed=1

tsan_markers=threads
[ "$mode" = test ] || tsan_markers='not browser'
test_preset release ''
test_preset asan 'not browser'
test_preset tsan "$tsan_markers"

say "Times"
printf '%s\n' "${times[@]}"
say "Summary"
python3 scripts/sum_results.py "$results" || failed=1
exit $failed
