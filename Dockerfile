# aios-bot as a container: the service, git, the docker client with Compose (to render plans), bubblewrap (to render
# them in a cage). Runs as a person without rights; all it keeps lies in /var/lib/aios-bot.
# `python -m tools.image` builds it without a registry: it gives other bases by these arguments.
ARG DOCKER_IMAGE=docker:29.1-cli
ARG COMPOSE_IMAGE=docker/compose-bin:v5.6.1
ARG PYTHON_IMAGE=python:3.13-slim-bookworm
FROM ${DOCKER_IMAGE} AS docker
FROM ${COMPOSE_IMAGE} AS compose

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m venv /opt/aios-bot \
 && /opt/aios-bot/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
      -r requirements/run.txt -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN /opt/aios-bot/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && /opt/aios-bot/bin/pip uninstall --yes --quiet --disable-pip-version-check pip hatchling editables

FROM ${PYTHON_IMAGE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/aios-bot --shell /usr/sbin/nologin aios-bot \
 && install -d -o aios-bot -g aios-bot -m 0700 /var/lib/aios-bot
COPY --from=docker /usr/local/bin/docker /usr/local/bin/docker
COPY --from=compose /docker-compose /usr/local/libexec/docker/cli-plugins/docker-compose
COPY --from=build /opt/aios-bot /opt/aios-bot
ENV PATH=/opt/aios-bot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AIOS_BOT_DATA=/var/lib/aios-bot \
    HOST=0.0.0.0 \
    PORT=8080
USER 10001
WORKDIR /var/lib/aios-bot
VOLUME /var/lib/aios-bot
EXPOSE 8080
# Alive, also while it waits to be set up; whether it can work is /readyz.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
ENTRYPOINT ["aios-bot"]
CMD ["serve"]
