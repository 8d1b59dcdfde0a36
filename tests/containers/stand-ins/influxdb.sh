#!/bin/bash
# Sets up once, like the image that it stands in for: an administrator, a database, a user for it, and the store's URL.
set -euo pipefail
cat >/tmp/influxdb.conf <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
dir = "/var/lib/influxdb2/meta"
[data]
dir = "/var/lib/influxdb2/data"
wal-dir = "/var/lib/influxdb2/wal"
[http]
bind-address = ":8086"
auth-enabled = true
log-enabled = false
CONF
if [ ! -e /run/siaga-store/url ]; then
    influxd -config /tmp/influxdb.conf &
    until curl -sf http://127.0.0.1:8086/ping; do sleep 0.2; done
    admin=$(cat "$DOCKER_INFLUXDB_INIT_PASSWORD_FILE")
    token=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
    ask() { curl -sf -u "siaga-admin:$admin" http://127.0.0.1:8086/query --data-urlencode "q=$1" >/dev/null; }
    curl -sf http://127.0.0.1:8086/query --data-urlencode "q=CREATE USER \"siaga-admin\" WITH PASSWORD '$admin' WITH ALL PRIVILEGES"
    ask "CREATE DATABASE $DOCKER_INFLUXDB_INIT_BUCKET"
    ask "CREATE USER siaga WITH PASSWORD '$token'"
    ask "GRANT ALL ON $DOCKER_INFLUXDB_INIT_BUCKET TO siaga"
    kill %1
    wait
    umask 022
    printf '%s' "$token" >/run/siaga-store/token
    printf 'influxdb://siaga:%s@influxdb:8086/-/%s\n' "$token" "$DOCKER_INFLUXDB_INIT_BUCKET" >/run/siaga-store/.url
    mv /run/siaga-store/.url /run/siaga-store/url
fi
exec influxd -config /tmp/influxdb.conf
