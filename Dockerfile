# One image for every service: `siaga up`, `collector`, `api`, `gateway`, `simulate`. For x86-64 and aarch64.
FROM debian:12.12-slim AS build
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
# The tool that installs is not needed afterwards. Byte code of everything, because the root is read-only later: without
# it each command compiles for a second.
RUN python3 scripts/bootstrap.py \
    && rm -rf .tools /root/.cache \
    && .venv/bin/python -m compileall -q -j 0 .venv/lib siaga gateway collector api firmware_sim; \
    test -x .venv/bin/siaga && .venv/bin/siaga --version

FROM debian:12.12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/siaga --create-home siaga
COPY --from=build /opt/siaga /opt/siaga
ENV PATH=/opt/siaga/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SIAGA_DATA_DIR=/var/lib/siaga
WORKDIR /var/lib/siaga
USER 10001:10001
VOLUME /var/lib/siaga
ENTRYPOINT ["siaga"]
CMD ["up"]
