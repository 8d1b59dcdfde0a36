#!/bin/bash
# Installs the servers that the tests run against, where they are missing: Debian's packages, as root or by sudo.
# The tests start their own instances on free ports, so none is left running as a service.
set -euo pipefail

missing=()
PATH="$PATH:/usr/sbin:/usr/local/sbin"
command -v mosquitto >/dev/null || missing+=(mosquitto)
command -v mosquitto_pub >/dev/null || missing+=(mosquitto-clients)
command -v curl >/dev/null || missing+=(curl)
command -v influxd >/dev/null || missing+=(influxdb)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
command -v snmpd >/dev/null || missing+=(snmpd)
command -v caddy >/dev/null || missing+=(caddy)
command -v chromium >/dev/null || missing+=(chromium)
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    if ! sudo -n true 2>/dev/null; then
        echo "tests: ${missing[*]} missing and not installable without root: run 'apt-get install ${missing[*]}' and try again" >&2
        exit 1
    fi
fi
if ! command -v apt-get >/dev/null; then
    echo "tests: ${missing[*]} missing and there is no apt-get here: install them and try again" >&2
    exit 1
fi

# Debian starts a service when its package is installed, unless this file forbids it (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi
forget_policy() {
    if [ "$made_policy" = yes ]; then "${as_root[@]}" rm -f "$policy"; fi
}
trap forget_policy EXIT

install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0)
log=$(mktemp)
if ! { "${install[@]}" update && "${install[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "tests: apt-get could not install ${missing[*]} (its last words are above): install them and try again" >&2
    exit 1
fi
rm -f "$log"
