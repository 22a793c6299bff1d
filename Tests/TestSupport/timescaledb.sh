#!/usr/bin/env bash
#
# Puts PostgreSQL 17 with TimescaleDB, from Debian 13's packages, into a folder of its own and prints
# that folder as its last line. Nothing is installed, no cluster is made, no service starts; running it
# again costs nothing.
#
#     timescaledb.sh [folder]
#
# The folder has a loader and a C library of its own, so the same tree runs on Debian 12 (whose glibc is
# too old for these binaries) and on 13. It is outside of the clone, since postgres refuses to run as
# root and the user that runs it in root's stead must be able to read its binaries.
set -euo pipefail
umask 022

readonly release=trixie
readonly packages=(postgresql-17 postgresql-17-timescaledb patchelf)

. "$(dirname "${BASH_SOURCE[0]}")/debian.bash"

say() { printf 'timescaledb: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

download() {
    prepare_apt "$release"
    say "fetching ${packages[*]} of Debian $release"
    private_apt update || fail "apt-get update failed for Debian $release: see above"
    private_apt --yes --no-install-recommends --download-only install "${packages[@]}" ||
        fail "the packages could not be fetched: see above"
}

unpack() {
    local package
    say "unpacking into $target"
    mkdir -p "$tree/usr/bin" "$tree/usr/sbin" "$tree/usr/lib" "$tree/usr/lib64"
    for package in bin sbin lib lib64; do ln -s "usr/$package" "$tree/$package"; done
    for package in "$state"/cache/archives/*.deb; do
        case ${package##*/} in
            postgresql-17_* | postgresql-17-timescaledb_* | postgresql-client-17_* | patchelf_*) ;;
            # 120 MB for a compiler of expressions that no test needs.
            libllvm*) continue ;;
            lib*) ;;
            *) continue ;;
        esac
        dpkg-deb -x "$package" "$tree"
    done
    # Without libllvm the just-in-time compiler cannot be loaded, and queries would fail trying.
    rm -f "$tree"/usr/lib/postgresql/17/lib/llvmjit*
    rm -rf "$tree"/usr/share/{doc,man,locale,postgresql/17/man} "$tree"/usr/lib/postgresql/17/lib/bitcode
}

# Binds the binaries to the loader and the libraries beside them. patchelf is run by that loader too, so
# the host needs none.
bind_binaries() {
    local loader library binary
    loader=$(cd "$tree" && ls -d usr/lib64/ld-linux*.so.* usr/lib/ld-linux*.so.* 2>/dev/null | head -n 1) || true
    library=$(cd "$tree" && ls -d usr/lib/*-linux-gnu* | head -n 1)
    [ -n "$loader" ] || fail "the C library's package has no loader for $(dpkg --print-architecture)"
    for binary in "$tree"/usr/lib/postgresql/17/bin/*; do
        # Scripts among them begin with "#!".
        [ "$(head -c 2 "$binary")" = '#!' ] && continue
        "$tree/$loader" --library-path "$tree/$library" "$tree/usr/bin/patchelf" \
            --set-interpreter "$target/$loader" --force-rpath --set-rpath "$target/$library" "$binary"
    done
}

is_complete() {
    [ -x "$target/usr/lib/postgresql/17/bin/postgres" ] &&
        [ -e "$target/usr/share/postgresql/17/extension/timescaledb.control" ]
}

target=$(realpath -m "${1:-$(cache_folder timescaledb)}")
if is_complete; then
    say "already there"
    echo "$target"
    exit 0
fi
for tool in apt-get dpkg-deb dpkg; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian 12 or 13"
done
[ -e /usr/share/zoneinfo/UTC ] || fail "no time zones: install the package tzdata (apt-get install tzdata)"
mkdir -p "${target%/*}" || fail "cannot create ${target%/*}: give another folder as the argument"

# In a sibling first, then renamed: an interrupted run leaves no half.
work=$(mktemp -d "${target%/*}/.timescaledb.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
state=$work/apt tree=$work/tree
mkdir -p "$tree" "$state"
download
unpack
bind_binaries
# Another run may have been faster; its tree is as good as ours.
mv -T "$tree" "$target" 2>/dev/null || is_complete ||
    fail "cannot replace $target: remove it and run this again"
"$target/usr/lib/postgresql/17/bin/postgres" --version >&2 || fail "the binaries do not run on this host"
echo "$target"
