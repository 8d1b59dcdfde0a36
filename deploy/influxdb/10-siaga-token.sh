#!/bin/bash
# Run once by InfluxDB's image after its setup: makes a token for siaga's bucket alone, and writes the store's URL with it
# where siaga's services read it. The administrator's token leaves this container nowhere.
set -euo pipefail
umask 022
token=$(influx auth create --org "$DOCKER_INFLUXDB_INIT_ORG" --description siaga \
    --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" --write-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" --json |
    sed -n 's/^[[:space:]]*"token": "\(.*\)",\{0,1\}$/\1/p')
[ -n "$token" ]
printf '%s' "$token" >/run/siaga-store/token
printf 'influxdb://:%s@influxdb:8086/%s/%s\n' "$(printf '%s' "$token" | sed 's/=/%3D/g; s/+/%2B/g; s|/|%2F|g')" \
    "$DOCKER_INFLUXDB_INIT_ORG" "$DOCKER_INFLUXDB_INIT_BUCKET" >/run/siaga-store/.url
mv /run/siaga-store/.url /run/siaga-store/url
