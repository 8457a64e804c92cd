#!/usr/bin/env bash
# `./dev bench [ARGUMENTS]`: measures the hub beside nchan and bare sends (bench/compare.py --help).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

# nginx would start as a service when installed, so its packages are only unpacked.
need_unpacked nchan nginx libnginx-mod-nchan
mkdir -p build/bench
cc -O2 -Wall -Wextra -o build/bench/bare bench/bare.c -lpthread
exec build/venv/bin/python bench/compare.py "$@"
