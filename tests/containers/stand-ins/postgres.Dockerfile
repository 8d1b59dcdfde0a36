# Debian's PostgreSQL 15, with the variables of the image that it stands in for.
FROM debian:12.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql postgresql-client \
    && rm -rf /var/lib/apt/lists/* && groupadd --gid 70 pg && useradd --uid 70 --gid 70 pg \
    && mkdir -p /var/lib/postgresql/data && chown 70:70 /var/lib/postgresql/data && chmod 700 /var/lib/postgresql/data
COPY postgres.sh /usr/local/bin/entrypoint
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data PGHOST=/tmp
USER 70:70
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["entrypoint"]
