#!/usr/bin/env bash
# `./dev fuzz [SECONDS] [TARGET]`: runs each fuzz target, or one, from its stored corpus on. New inputs stay
# in build/fuzz/corpus, findings in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh
. scripts/build.sh

seconds=${1:-60}
wanted=${2:-}
failed=0

fuzz_target() {
    local target=$1 seeds=tests/fuzz/corpus/$1 corpus=build/fuzz/corpus/$1 log=build/fuzz/$1.log
    mkdir -p "$corpus" build/fuzz/findings
    say "Fuzzing $target for $seconds seconds"
    if build/fuzz/tests/fuzz/"fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/findings/$target-" "$corpus" $([ -d "$seeds" ] && echo "$seeds") \
        >"$log" 2>&1; then
        tail -n 1 "$log"
    else
        tail -n 40 "$log" >&2
        failed=1
    fi
}

need_packages build fuzz
build_preset fuzz fuzz_targets
for source in tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    target=${target#fuzz_}
    [ -z "$wanted" ] || [ "$wanted" = "$target" ] || continue
    [ -x "build/fuzz/tests/fuzz/fuzz_$target" ] || fail "the target $target was not built"
    fuzz_target "$target"
done
[ $failed -eq 0 ] || fail "there are findings in build/fuzz/findings"
