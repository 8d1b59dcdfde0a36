#!/bin/sh
# Runs Mosquitto, and lets it read its files again (SIGHUP) when siaga has changed them: a credential was made or ended,
# a certificate renewed. Connections stay, but those whose credential has ended. Looks once a second.
#   run.sh mosquitto.conf BROKER_DIR
set -eu
configuration=$1
directory=$2
PATH=$PATH:/usr/sbin

state() {
    for file in passwords acl ca.crl server.crt; do
        if [ -e "$directory/$file" ]; then cksum <"$directory/$file"; fi
    done
}

seen=$(state)
mosquitto -c "$configuration" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT
while kill -0 "$broker" 2>/dev/null; do
    sleep 1 &
    wait $! || true # a signal ends it
    now=$(state)
    if [ "$now" != "$seen" ]; then
        kill -HUP "$broker" 2>/dev/null || true
        seen=$now
    fi
done
wait "$broker"
