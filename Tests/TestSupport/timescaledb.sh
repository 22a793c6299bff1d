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

say() { printf 'timescaledb: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

default_folder() {
    if [ "$(id -u)" = 0 ]; then
        echo /var/cache/ticker-pipeline/timescaledb
    else
        echo "${XDG_CACHE_HOME:-$HOME/.cache}/ticker-pipeline/timescaledb"
    fi
}

# Where this host gets Debian from: lines of "URI kind", kind being archive or security. apt itself reads
# the host's sources for us, in whichever format they are written.
debian_sources() {
    local uri suite component origin codename known format='$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)'
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    known=$(apt-get indextargets --format "$format" 'Created-By: Packages')
    # Before the host's first `apt-get update` apt knows no origins.
    [[ $known == *'|Debian'* ]] ||
        known=$(apt-get indextargets --no-release-info --format "$format" 'Created-By: Packages')
    while IFS='|' read -r uri suite component origin; do
        case $component:$origin in main:Debian | 'main:$(ORIGIN)') ;; *) continue ;; esac
        case $suite in
            *-security) echo "$uri security" ;;
            "$codename" | stable | oldstable | testing | sid | unstable) echo "$uri archive" ;;
        esac
    done <<<"$known" | sort -u
}

# The keyring that the host's own sources name for a URI; Debian's, where they name none.
keyring_of() {
    local uri=${1%/} file block line
    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list; do
        [ -r "$file" ] || continue
        block=
        while IFS= read -r line || [ -n "$line" ]; do
            # A *.sources file is made of paragraphs, a *.list file of lines.
            case $file in *.sources) [ -n "$line" ] && block+="$line"$'\n' || block= ;; *) block=$line ;; esac
            if [[ $block == *"$uri"* && $block =~ [Ss]igned-[Bb]y[:=][[:space:]]*(/[^],[:space:]]+) ]]; then
                echo "${BASH_REMATCH[1]}"
                return
            fi
        done <"$file"
    done
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        [ -r "$file" ] && { echo "$file"; return; }
    done
    fail "no keyring for Debian's archive: install the package debian-archive-keyring"
}

# apt with a state of its own: it believes that nothing is installed and so fetches every dependency.
private_apt() {
    apt-get -qq -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
        -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" -o APT::Architecture="$(dpkg --print-architecture)" "$@" >&2
}

download() {
    local uri kind suite found=
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    : >"$state/status"
    while read -r uri kind; do
        found+=" $kind"
        suite=$release
        [ "$kind" = security ] && suite=$release-security
        echo "deb [signed-by=$(keyring_of "$uri")] $uri $suite main" >>"$state/sources.list"
    done < <(debian_sources)
    [[ $found == *archive* ]] || fail "apt's sources name no Debian archive: this needs Debian 12 or 13"
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

target=$(realpath -m "${1:-$(default_folder)}")
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
