#!/usr/bin/env bash
# `./dev check`: what a change must pass beyond its tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh
. scripts/build.sh

only_changed=
[ "${1:-}" = --changed ] && only_changed=1
failed=0

# The .c and .h files to look at.
list_files() {
    if [ -n "$only_changed" ]; then
        { git diff --name-only --diff-filter=d "$(git merge-base HEAD main)" -- "$@"; git ls-files -o --exclude-standard -- "$@"; } | sort -u
    else
        git ls-files -- "$@"
    fi
}

check_format() {
    say "Format (clang-format 14)"
    list_files '*.c' '*.h' | xargs -r clang-format-14 --dry-run -Werror || failed=1
}

# Every header compiles alone.
check_headers() {
    say "Headers"
    local header
    while read -r header; do
        printf '#include "%s"\n' "${header#src/}" |
            gcc -std=c17 -D_GNU_SOURCE -DCINNABAR_VERSION='""' -DLLHTTP_STRICT_MODE=1 -Isrc \
                -isystem /usr/share/include/llhttp -Wall -Wextra -Werror -fsyntax-only -x c - || failed=1
    done < <(list_files 'src/*.h')
}

check_tidy() {
    say "Static analysis (clang-tidy 14)"
    local files
    mapfile -t files < <(list_files 'src/*.c')
    [ ${#files[@]} -eq 0 ] && return
    run-clang-tidy-14 -quiet -p build/dev "${files[@]/#/$PWD/}" >build/tidy.log 2>/dev/null || {
        grep -E '(warning|error):' build/tidy.log | sort -u >&2
        failed=1
    }
}

need_packages build test lint fuzz
check_format
check_headers
build_preset dev
check_tidy
build_preset fuzz
scripts/test.sh check || failed=1
[ $failed -eq 0 ] || fail "not everything is in order"
