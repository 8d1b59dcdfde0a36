#!/bin/sh
# Is the broker alive, and does it want a password? It has to refuse a client that has none: with the protocol's own
# answer (5: not authorised), not with silence. So this check needs no secret.
status=0
mosquitto_sub -V mqttv311 -h 127.0.0.1 -p "${1:-1883}" -t health -W 3 >/dev/null 2>&1 || status=$?
[ "$status" -eq 5 ]
