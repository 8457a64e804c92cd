# What each command needs from outside, and how it gets here. Sourced from the root of the project.
#
# need_packages GROUP...   installs Debian packages that are missing
# need_venv                Python with the pinned packages, at build/venv
# need_clients             the pinned npm packages and Go modules of the tests
# need_unpacked NAME PACKAGE...   unpacks packages into build/cache/NAME without installing them: for those
#                          that would start a service
#
# A stamp file named by the hash of what is wanted makes every later call start at once.

say() { printf '== %s\n' "$*" >&2; }
fail() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

# make: gcc's link-time optimisation uses several cores only with it.
packages_build=(gcc make libc6-dev cmake ninja-build pkg-config libuv1-dev node-llhttp liblmdb-dev libjansson-dev
    libyaml-dev libicu-dev libpcre2-dev libssl-dev libcurl4-openssl-dev libcmocka-dev)
packages_test=(python3 python3-venv chromium curl iproute2 util-linux)
packages_lint=(clang-14 clang-format-14 clang-tidy-14)
packages_fuzz=(clang-14 libclang-rt-14-dev llvm-14)
packages_bench=(python3 python3-venv)

# A marker that is there only when `name` was last prepared from exactly these words.
stamp_path() {
    local name=$1
    shift
    printf 'build/stamps/%s-%s' "$name" "$(printf '%s\n' "$@" | sha256sum | cut -c1-16)"
}

set_stamp() {
    mkdir -p build/stamps
    : >"$1"
}

packages_of() {
    local -n list="packages_$1"
    printf '%s\n' "${list[@]}"
    # Whoever has a Node.js of their own keeps it; Debian's npm would fight with it.
    if [ "$1" = test ] && ! { command -v node && command -v npm; } >/dev/null; then
        printf 'nodejs\nnpm\n'
    fi
    if [ "$1" = test ] && ! command -v go >/dev/null; then
        printf 'golang-go\n'
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: $*"
    fi
}

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_update_once() {
    [ -n "${apt_updated:-}" ] && return
    say "Reading the package lists"
    as_root apt-get update -qq
    apt_updated=1
}

install_packages() {
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    apt_update_once
    say "Installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-unsafe-io "${missing[@]}" >build/install.log 2>&1 </dev/null || {
        tail -n 20 build/install.log >&2
        fail "the packages could not be installed (all of it: build/install.log)"
    }
}

need_packages() {
    local names stamp
    mapfile -t names < <(for group in "$@"; do packages_of "$group"; done | sort -u)
    stamp=$(stamp_path packages "${names[@]}")
    [ -e "$stamp" ] && return
    mkdir -p build
    if ! command -v apt-get >/dev/null; then
        [ -n "${CINNABAR_NO_INSTALL:-}" ] && return
        fail "this is not a Debian system. Install what corresponds to: ${names[*]}
and set CINNABAR_NO_INSTALL=1."
    fi
    [ -n "${CINNABAR_NO_INSTALL:-}" ] || install_packages "${names[@]}"
    set_stamp "$stamp"
}

need_unpacked() {
    local name=$1 stamp root="$PWD/build/cache/$1"
    shift
    stamp=$(stamp_path "unpacked-$name" "$@")
    [ -e "$stamp" ] && return
    apt_update_once
    say "Unpacking $* (nothing is installed)"
    rm -rf "$root"
    mkdir -p "$root/.deb"
    (cd "$root/.deb" && apt-get download -qq "$@" && for deb in *.deb; do dpkg -x "$deb" ..; done)
    rm -rf "$root/.deb"
    set_stamp "$stamp"
}

need_venv() {
    local stamp python
    python=$(command -v /usr/bin/python3 || command -v python3) || fail "there is no python3"
    stamp=$(stamp_path venv "$python" "$(cat tests/requirements.txt)")
    [ -e "$stamp" ] && [ -x build/venv/bin/python ] && return
    say "Preparing Python in build/venv"
    rm -rf build/venv
    "$python" -m venv build/venv 2>/dev/null || {
        rm -rf build/venv
        python3 -m venv build/venv # the system's python3 may come without its venv module
    }
    build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
    set_stamp "$stamp"
}

need_clients() {
    local stamp folder=tests/blackbox/clients
    stamp=$(stamp_path clients "$(cat $folder/package-lock.json $folder/bbolt/go.sum)" "$(node --version)")
    [ -e "$stamp" ] && [ -d $folder/node_modules ] && return
    say "Installing the client libraries of the tests ($folder)"
    (cd $folder && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
    (cd $folder/bbolt && go build -buildvcs=false -o /dev/null .) # modules and what is compiled go into Go's caches
    set_stamp "$stamp"
}
