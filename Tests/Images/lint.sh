#!/usr/bin/env bash
#
# Checks the Dockerfile with hadolint, and both compose files, with each of their profiles, with Docker Compose itself
# and by rules.py. Takes a second or two and needs no engine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tools=$(Tests/Images/tools.sh | tail -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
result=0

"$tools/hadolint" --failure-threshold style docker/Dockerfile || result=1

# Neither a .env of this clone nor the user's own variables may decide what is checked.
compose() { env -i PATH="$PATH" HOME="$work" "$@" "$tools/docker-compose" --env-file /dev/null "${arguments[@]}"; }
while read -r file profiles variables; do
    arguments=(--file "$file")
    for profile in ${profiles//,/ }; do [ "$profile" = - ] || arguments+=(--profile "$profile"); done
    arguments+=(config --format json)
    # What compose warns of is a mistake, too: a variable that nobody sets, a key that it does not know.
    # shellcheck disable=SC2086
    if ! compose $variables >"$work/config.json" 2>"$work/errors" || [ -s "$work/errors" ]; then
        sed "s|^|$file, profiles $profiles: |" "$work/errors" >&2
        result=1
        continue
    fi
    python3 Tests/Images/rules.py "$file, profiles $profiles" <"$work/config.json" || result=1
done <<'END'
kafka-compose.yml - KAFKA_TOPIC=ticks
kafka-compose.yml cluster
docker/compose.yml -
docker/compose.yml emulator BIGQUERY_EMULATOR_HOST=bigquery:9050
docker/compose.yml cluster BROKERS=kafka-1:19092,kafka-2:19092,kafka-3:19092
docker/compose.yml emulator,cluster
END
exit "$result"
