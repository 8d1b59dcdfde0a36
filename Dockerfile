# One image for every service: `siaga up`, `siaga collector`, `siaga api`, `siaga gateway`.
FROM debian:12-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/siaga
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY scripts/bootstrap.py scripts/bootstrap.py
COPY siaga siaga
COPY gateway gateway
COPY collector collector
COPY api api
COPY firmware_sim firmware_sim
RUN python3 scripts/bootstrap.py && .venv/bin/python -m compileall -q siaga gateway collector api firmware_sim

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/siaga --create-home siaga
COPY --from=build /opt/siaga /opt/siaga
ENV PATH=/opt/siaga/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SIAGA_DATA_DIR=/var/lib/siaga
WORKDIR /var/lib/siaga
USER siaga
VOLUME /var/lib/siaga
ENTRYPOINT ["siaga"]
CMD ["up"]
