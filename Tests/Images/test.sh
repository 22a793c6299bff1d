#!/usr/bin/env bash
#
# Builds docker/Dockerfile for real, with podman, and sends a session through the three images: read-only, without
# capabilities, as their own user, within the memory that docker/compose.yml gives them. Everything else is the
# sandbox's: exchange, Kafka, TimescaleDB, BigQuery, on this host's loopback.
#
# No registry is asked. Both base images are made here, under the names that the Dockerfile uses: Debian by debootstrap,
# and on top of it the compiler, which is this host's own. Layers, and what is compiled, are kept from one run
# to the next (`rm -rf /var/cache/ticker-pipeline/podman` forgets them).
#
# Needs root, podman, debootstrap and runc, and .build/release/sandbox. Where podman cannot work (a container without
# the right to mount, say), it says NOT RUN, and why, and ends well.
set -euo pipefail
umask 022
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=Tests/TestSupport/debian.bash
. Tests/TestSupport/debian.bash

say() { printf 'images: %3d s: %s\n' "$SECONDS" "$*" >&2; }
fail() { say "$*"; exit 1; }
not_run() { printf 'images-test: NOT RUN: %s\n' "$*"; exit 0; }

readonly services=(producer consumer loader)
store=$(cache_folder podman)
work=$(mktemp -d)
mkdir -p "$store/tmp"
chmod 755 "$work"

# Storage of our own: nothing of the user's is touched. Debian 12's crun does not start where there is no cgroup v2.
# Health is asked for by hand, and not by systemd's timers.
podman=(env TMPDIR="$store/tmp" DISABLE_HC_SYSTEMD=true podman --root "$store/root" --runroot "$store/run"
    --storage-driver overlay --cgroup-manager cgroupfs --runtime "$(command -v runc || true)" --log-level error)
build=("${podman[@]}" build --isolation chroot --pull=never --network host --quiet)
# Limits that are higher than ours cannot be set by everybody who may start a container.
run=("${podman[@]}" run --rm --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024)

clean_up() {
    local result=$?
    "${podman[@]}" rm --force --all --volumes --time 0 >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$result"
}
trap clean_up EXIT

# --- base images -----------------------------------------------------------------------------------

# What the official image of a Debian release has, as far as it matters here: the same packages, the archive that this
# host uses, and the settings that keep a layer small.
import_debian() {
    local uri kind mirror=
    say "making a Debian $suite"
    while read -r uri kind; do [ "$kind" = archive ] && mirror=$uri && break; done < <(debian_sources)
    [ -n "$mirror" ] || fail "apt's sources name no Debian archive: this needs Debian 12 or 13"
    debootstrap --variant=minbase --keyring="$(keyring_of "$mirror")" "$suite" "$work/debian" "$mirror" \
        >"$work/debootstrap.log" 2>&1 || { tail -n 5 "$work/debootstrap.log" >&2; not_run "debootstrap does not work here"; }
    while read -r uri kind; do
        if [ "$kind" = security ]; then echo "deb $uri $suite-security main"; else echo "deb $uri $suite main"; fi
    done < <(debian_sources) >"$work/debian/etc/apt/sources.list"
    printf '%s\n' 'APT::Keep-Downloaded-Packages "false";' 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' \
        'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' >"$work/debian/etc/apt/apt.conf.d/docker-clean"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$work/debian/etc/dpkg/dpkg.cfg.d/docker"
    rm -rf "$work"/debian/usr/share/{doc,man,locale,info} "$work"/debian/var/{cache/apt,lib/apt/lists}/*
    tar --directory "$work/debian" --create . | "${podman[@]}" import --quiet - "$debian" >/dev/null ||
        not_run "podman cannot import an image here"
    rm -rf "$work/debian"
}

# The compiler stays where it is on this host and is mounted for the build. So are repositories that git takes
# instead of those on the network.
make_swift() {
    local key folder
    say "making $swift with this host's compiler"
    git config --file "$work/gitconfig" safe.directory '*'
    while read -r key folder; do
        git config --file "$work/gitconfig" --add "$key" "$folder"
    done < <(git config --get-regexp '^url\..*\.insteadof$')
    cat >"$work/Containerfile" <<END
FROM $debian
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends binutils \
    ca-certificates git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libsqlite3-0 libstdc++-12-dev libxml2 tzdata
COPY gitconfig /etc/gitconfig
ENV PATH=$toolchain/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
    "${build[@]}" --tag "$swift" --file "$work/Containerfile" "$work" >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log" >&2; fail "the compiler's image cannot be made: see above"; }
}

# --- the session -----------------------------------------------------------------------------------

# The sandbox runs what stands beside it. These take the place of the services' binaries.
stand_in() {
    cp --link .build/release/sandbox "$work/sandbox" 2>/dev/null || cp .build/release/sandbox "$work/sandbox"
    declare -p podman run >"$work/podman"
    for service in "${services[@]}"; do ln -s "$PWD/Tests/Images/service.sh" "$work/$service"; done
}

check_configuration() {
    local service image
    for service in "${services[@]}"; do
        image=$("${podman[@]}" image inspect --format '{{.User}} {{index .Labels "org.opencontainers.image.title"}} {{index .Labels "org.opencontainers.image.revision"}} {{index .Labels "org.opencontainers.image.version"}}' "ticker-$service")
        [ "$image" = "10001:10001 ticker-$service abc123 1.0" ] || fail "ticker-$service is not as it must be: $image"
        # The program runs, and all its libraries are there.
        "${run[@]}" "ticker-$service" --version >/dev/null || fail "ticker-$service does not start"
    done
}

# Waits until the image's own HEALTHCHECK, which compose goes by, says that a container is well.
await_health() {
    local container=images-test-$1 tries
    for ((tries = 0; tries < 240; tries++)); do
        if "${podman[@]}" healthcheck run "$container" >/dev/null 2>&1; then
            touch "$work/$1.healthy"
            return
        fi
        sleep 0.25
    done
}

# Not in a session, where hours are named: it stays, whether the database is there or not, until it is asked to end.
check_schedule() {
    local result=0 running
    env -i PATH="$PATH" HOME="$work" TIMESCALEDB_HOST=127.0.0.1 TIMESCALEDB_PORT=1 BIGQUERY_PROJECT=none \
        BIGQUERY_EMULATOR_HOST=127.0.0.1:1 "$work/loader" --schedule >"$work/log" 2>&1 &
    running=$!
    await_health loader
    kill "$running"
    wait "$running" || result=$?
    [ -e "$work/loader.healthy" ] && [ "$result" = 0 ] ||
        { tail -n 5 "$work/log" >&2; fail "loader --schedule ended with $result, or was never healthy: 137 is killed"; }
}

# --- all of it -------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || not_run "podman is run by root here"
for tool in podman debootstrap runc; do command -v "$tool" >/dev/null || not_run "$tool is missing"; done
[ -x .build/release/sandbox ] || fail ".build/release/sandbox is missing: make images-test builds it"
toolchain=$(realpath "$(dirname "$(readlink -f "$(command -v swift)")")/../..")
[ "$toolchain" != / ] || not_run "the compiler is installed in /usr, and can be mounted from a folder of its own only"

# The names that the Dockerfile uses.
argument() { sed -n "s/^ARG $1=//p" docker/Dockerfile; }
suite=$(sed -n 's/^FROM swift:.*-\([a-z]*\) AS build$/\1/p' docker/Dockerfile)
debian=docker.io/library/debian:$(argument DEBIAN_VERSION)-slim
swift=docker.io/library/swift:$(argument SWIFT_VERSION)-$suite
mounts=(--volume "$toolchain:$toolchain:ro")
while IFS= read -r folder; do
    [[ $folder = /* && -d $folder ]] && mounts+=(--volume "$folder:$folder:ro")
done < <(git config --get-regexp '^url\..*\.insteadof$' | sed 's/^url\.\(.*\)\.insteadof .*/\1/' | sort -u)

"${podman[@]}" image exists "$debian" || import_debian
"${run[@]}" "$debian" true >"$work/log" 2>&1 ||
    not_run "podman cannot start a container here: $(tail -n 1 "$work/log")"
"${podman[@]}" image exists "$swift" || make_swift
"${run[@]}" "${mounts[@]}" "$swift" swift --version >"$work/log" 2>&1 ||
    not_run "this host's compiler does not run on Debian $suite: $(tail -n 1 "$work/log")"

for service in "${services[@]}"; do
    say "building ticker-$service"
    # HEALTHCHECK is no part of OCI's own format.
    "${build[@]}" --format docker "${mounts[@]}" --file docker/Dockerfile --target "$service" --tag "ticker-$service" \
        --build-arg VERSION=1.0 --build-arg REVISION=abc123 . >"$work/log" 2>&1 ||
        { tail -n 40 "$work/log" >&2; fail "docker/Dockerfile cannot be built: see above"; }
done
# Layers that no build used for a week.
"${podman[@]}" image prune --force --filter until=168h >/dev/null
check_configuration
stand_in
say "sending a session through the images"
await_health consumer &
await_health producer &
TMPDIR=$work "$work/sandbox" demo --frames 20000 --rate 1000 --loads 2 >&2 || fail "the session did not go through"
for service in consumer producer; do
    [ -e "$work/$service.healthy" ] || fail "$service was never healthy"
done
for service in "${services[@]}"; do
    grep -qx 0 "$work/$service.exit" || fail "$service ended with $(cat "$work/$service.exit"): 137 is killed after 5 s"
done
say "loader --schedule"
check_schedule
"${podman[@]}" images --format '{{.Repository}} {{.Size}}' --filter reference='ticker-*' | sed 's|localhost/|images: |' >&2
echo "images-test: passed after $SECONDS s"
