# Building with the presets. Sourced after packages.sh.

# build_preset PRESET [TARGET...]: configures once, then builds.
build_preset() {
    local preset=$1
    shift
    say "Building ($preset${*:+: $*})"
    if [ ! -e "build/$preset/build.ninja" ]; then
        cmake --preset "$preset" >"build/$preset.log" 2>&1 || {
            cat "build/$preset.log" >&2
            fail "CMake could not configure the preset $preset"
        }
    fi
    # Quiet when all goes well: only warnings and errors are worth a newcomer's screen.
    cmake --build "build/$preset" ${*:+--target "$@"} -- --quiet >&2
}

build_binary() {
    build_preset release cinnabar
}
