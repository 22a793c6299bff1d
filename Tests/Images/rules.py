"""What every service of a compose file has to keep, whoever adds it.

    docker compose config --format json | python3 rules.py "what it is called in the errors"
"""

import json
import os
import re
import sys

# Its image starts as root and takes on its own user by itself, which needs capabilities.
KEEPS_CAPABILITIES = {"timescaledb"}


def problems(name, service, services):
    """The rules that this service breaks."""
    is_ours = "build" in service
    runs_once = service.get("restart", "").startswith("on-failure")
    tag = service["image"].rpartition("/")[2].partition(":")[2]
    if not is_ours and not re.search(r"\d+\.\d+", tag):
        yield f"its image {service['image']} has no exact version"
    if not runs_once and service.get("restart") != "unless-stopped":
        yield "does not come back: restart"
    if "mem_limit" not in service:
        yield "may take all memory: mem_limit"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges: security_opt"
    if service.get("cap_drop") != ["ALL"] and name not in KEEPS_CAPABILITIES:
        yield "keeps capabilities: cap_drop"
    if is_ours and not service.get("read_only"):
        yield "may write to its image: read_only"
    for port in service.get("ports", []):
        if port.get("host_ip") != "127.0.0.1":
            yield f"port {port.get('published')} is open to other machines"
    for mount in service.get("volumes", []):
        if mount["type"] == "bind":
            if not os.path.exists(mount["source"]):
                yield f"{os.path.relpath(mount['source'])} is not there to be mounted"
            if not mount.get("read_only"):
                yield f"may write to {os.path.relpath(mount['source'])}"
        elif "source" not in mount:
            yield f"what it keeps in {mount['target']} is lost with the container: a volume without a name"
    for needed, how in service.get("depends_on", {}).items():
        # Our own images bring their health check along (test.sh looks).
        # Compose itself refuses to wait for what does not run; what is not required may be of another profile.
        other = services.get(needed, {})
        if how["condition"] == "service_healthy" and other and not other.keys() & {"healthcheck", "build"}:
            yield f"waits for the health of {needed}, which has no health check"
        elif how["condition"] == "service_completed_successfully" and other.get("restart") == "unless-stopped":
            yield f"waits for the end of {needed}, which never ends"


def main():
    stack = json.load(sys.stdin)
    services = stack["services"]
    found = [
        f"{sys.argv[1]}: {name}: {problem}"
        for name, service in services.items()
        for problem in problems(name, service, services)
    ]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found or not services else 0


if __name__ == "__main__":
    sys.exit(main())
