#!/bin/bash
# Installs what builds and runs containers for `make containers`: Debian's packages, as root.
set -euo pipefail
if [ "$(id -u)" -ne 0 ]; then
    echo "containers: run it as root: containers of other users need user namespaces that many machines forbid" >&2
    exit 1
fi
missing=()
PATH="$PATH:/usr/sbin"
for each in podman buildah runc debootstrap iptables; do
    command -v "$each" >/dev/null || missing+=("$each")
done
command -v nsenter >/dev/null || missing+=(util-linux)
command -v ip >/dev/null || missing+=(iproute2)
[ -e /usr/lib/podman/netavark ] || missing+=(netavark)
[ -e /usr/lib/podman/aardvark-dns ] || missing+=(aardvark-dns)
if [ ${#missing[@]} -gt 0 ]; then
    log=$(mktemp)
    if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        exit 1
    fi
    rm -f "$log"
fi
