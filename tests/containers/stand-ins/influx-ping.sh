#!/bin/sh
# `influx ping` of InfluxDB 2
exec curl -sf -o /dev/null http://127.0.0.1:8086/ping
