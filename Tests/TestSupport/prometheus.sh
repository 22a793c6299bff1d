#!/usr/bin/env bash
#
# Puts `prometheus` and `promtool`, from Debian's package prometheus, into a folder of their own and prints that
# folder as its last line. Nothing is installed and no service starts; running it again costs nothing.
#
#     prometheus.sh [folder]
set -euo pipefail
umask 022

say() { printf 'prometheus: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

default_folder() {
    if [ "$(id -u)" = 0 ]; then
        echo /var/cache/ticker-pipeline/prometheus
    else
        echo "${XDG_CACHE_HOME:-$HOME/.cache}/ticker-pipeline/prometheus"
    fi
}

# apt with lists of its own, which any user may fetch, and with the host's sources and keys.
private_apt() {
    apt-get -qq -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@" >&2
}

is_complete() { [ -x "$target/prometheus" ] && [ -x "$target/promtool" ]; }

target=$(realpath -m "${1:-$(default_folder)}")
if is_complete; then
    say "already there"
    echo "$target"
    exit 0
fi
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian 12 or 13"
done
mkdir -p "${target%/*}" || fail "cannot create ${target%/*}: give another folder as the argument"

# In a sibling first, then renamed: an interrupted run leaves no half.
work=$(mktemp -d "${target%/*}/.prometheus.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/tree" "$work/found"
say "fetching Debian's package"
private_apt update || fail "apt-get update failed: see above"
(cd "$work" && private_apt download prometheus) || fail "the package could not be fetched: see above"
# Without its web pages, which a test has no eyes for.
dpkg-deb -x "$work"/prometheus_*.deb "$work/tree"
mv "$work"/tree/usr/bin/prom{etheus,tool} "$work/found"
"$work/found/promtool" --version | head -n 1 >&2 || fail "the binaries do not run on this host"
# Another run may have been faster; its folder is as good as ours.
mv -T "$work/found" "$target" 2>/dev/null || is_complete || fail "cannot replace $target: remove it and run this again"
echo "$target"
