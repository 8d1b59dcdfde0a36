# Debian's Mosquitto 2.0 under the name of the image with 2.1: what differs in the configuration is translated.
FROM debian:12.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends mosquitto mosquitto-clients \
    && rm -rf /var/lib/apt/lists/* && mkdir -p /mosquitto/data && chown 1883:1883 /mosquitto/data
COPY mosquitto.sh /usr/local/bin/mosquitto
USER 1883:1883
VOLUME /mosquitto/data
