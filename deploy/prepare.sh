#!/bin/sh
# Makes what docker-compose.yml needs beside it: `secrets/` with random secrets, `broker/` for the broker's files, and
# `config/` for sites.yaml and notify.yaml. As root. It may be repeated: what is there stays; modes are mended.
#
# A container sees a file with the owner and mode that it has here. So the directories are closed, and the files in them
# are readable for the service that needs them.
set -eu
cd "$(dirname "$0")/.."
umask 077
siaga=10001 broker=1883 influxdb=1000

mkdir -p secrets/mqtt secrets/store broker/authority config
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
secret() { # FILE TEXT: unless it is there
    if [ ! -s "$1" ]; then printf '%s\n' "$2" >"$1"; fi
    chmod 0444 "$1"
}
secret secrets/postgres_password "$(random)"
secret secrets/database_url "postgresql://siaga:$(cat secrets/postgres_password)@postgres:5432/siaga"
secret secrets/influxdb_password "$(random)"
secret secrets/influxdb_admin_token "$(random)"
secret secrets/grafana_password "$(random)"
for service in collector api; do
    secret "secrets/mqtt/mqtt_${service}_url" "mqtt://$service:$(random)@mosquitto:1883"
done
chmod 0700 secrets
chmod 0755 secrets/mqtt secrets/store
chown "$influxdb:$influxdb" secrets/store
chown -R "$broker:$broker" broker
chmod 0750 broker
chmod 0700 broker/authority
chgrp -R "$siaga" config
find config -type d -exec chmod 2750 {} +
find config -type f -exec chmod 0640 {} +
if [ ! -e config/sites.yaml ]; then
    echo "next: put the sites file at config/sites.yaml, and run deploy/prepare.sh again"
fi
