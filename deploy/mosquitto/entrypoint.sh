#!/bin/sh
# Writes the broker's password file from its environment, and becomes the broker. Starts in the directory that has
# `config/` (this one), `data/` and `secrets/` (both the broker's own, writable).
# COLLECTOR_PASSWORD and API_PASSWORD are required; VILLAGES is a list of CODE:PASSWORD, one gateway each, by spaces.
set -eu
umask 077
file=secrets/passwords
: > "$file.plain"
echo "collector:${COLLECTOR_PASSWORD:?}" >> "$file.plain"
echo "api:${API_PASSWORD:?}" >> "$file.plain"
for village in ${VILLAGES:-}; do
    echo "$village" >> "$file.plain"
done
mosquitto_passwd -U "$file.plain"  # replaces each password by its hash
mv "$file.plain" "$file"
unset COLLECTOR_PASSWORD API_PASSWORD VILLAGES
exec mosquitto -c config/mosquitto.conf
