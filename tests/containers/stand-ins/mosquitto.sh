#!/bin/sh
set -eu
sed -e 's#/broker/2\.1$#/broker/2.0#' -e 's#^global_plugin .*persist_sqlite.*#persistence true\nautosave_interval 5#' \
    -e '/^plugin_opt_flush_period/d' "$2" >/tmp/mosquitto.conf
exec /usr/sbin/mosquitto -c /tmp/mosquitto.conf
