#!/bin/bash
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -U "$POSTGRES_USER" -A scram-sha-256 --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 --locale=C.UTF-8
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "*:*:*:*:$(cat "$POSTGRES_PASSWORD_FILE")" >/tmp/pgpass
    chmod 600 /tmp/pgpass
    pg_ctl -w -o "-c listen_addresses= -c unix_socket_directories=/tmp" start
    PGPASSFILE=/tmp/pgpass createdb -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -w -m fast stop
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
