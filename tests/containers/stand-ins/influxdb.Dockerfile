# Debian's InfluxDB 1.6 under the name of the image with 2.x. It hands siaga its own user, as that hands it a token.
FROM debian:12.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends influxdb influxdb-client curl ca-certificates \
    && rm -rf /var/lib/apt/lists/* && useradd --uid 1000 store \
    && mkdir -p /var/lib/influxdb2 /etc/influxdb2 && chown 1000:1000 /var/lib/influxdb2 /etc/influxdb2
COPY influxdb.sh /usr/local/bin/entrypoint
COPY influx-ping.sh /usr/local/bin/influx
USER 1000:1000
VOLUME ["/var/lib/influxdb2", "/etc/influxdb2"]
ENTRYPOINT ["entrypoint"]
