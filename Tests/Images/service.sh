#!/usr/bin/env -S --default-signal bash
#
# (The sandbox's children begin with most signals blocked: a service opens what it needs, a shell cannot.)
#
# Stands where the sandbox expects a service's binary, and runs that service's image instead, as docker/compose.yml does:
# see test.sh. Called as producer, consumer or loader, with the service's settings in the environment.
set -euo pipefail

here=$(dirname "$0")
service=$(basename "$0")
name=images-test-$service
# The arrays podman and run.
. "$here/podman"

run+=(--name "$name" --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges --memory 256m)
# The spool is all that a service may write to.
[ "$service" = producer ] && run+=(--volume images-test-spool:/var/lib/ticker-producer)

# Files are handed over as compose does with secrets: mounted one by one, where the image's user can read them.
for setting in UPBIT_CA_FILE GOOGLE_APPLICATION_CREDENTIALS; do
    [ -n "${!setting:-}" ] || continue
    install -m 0444 "${!setting}" "$here/$setting"
    run+=(--volume "$here/$setting:/run/secrets/$setting:ro")
    export "$setting=/run/secrets/$setting"
done
# The sandbox switches it off. A free port, since the usual ones may be taken on this host.
ADMIN_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export ADMIN_PORT
while IFS= read -r setting; do
    case $setting in HOME | PATH | PWD | SHLVL | TMPDIR | _) ;; *) run+=(--env "$setting") ;; esac
done < <(compgen -e)

# The sandbox's SIGTERM becomes the engine's, with the 5 s that a service has to end in.
asked=
trap 'asked=yes; "${podman[@]}" stop --time 5 "$name" >/dev/null || true' TERM
"${run[@]}" "ticker-$service" "$@" &
running=$!
result=0
wait "$running" || result=$?
# The signal ended that waiting, and not the container.
[ -z "$asked" ] || { result=0 && wait "$running" || result=$?; }
echo "$result" >"$here/$service.exit"
exit "$result"
