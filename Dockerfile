# syntax=docker/dockerfile:1
FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /venv
COPY requirements.txt ./
# To offer PyTorch's CPU build (docs/deployment.md): the public index has the CUDA one, several GB larger.
ARG PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
RUN /venv/bin/pip install --requirement requirements.txt

FROM python:3.11-slim-trixie
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NOSTRADE_DATA_DIR=/data STATIC_ROOT=/srv/static HOST=0.0.0.0 PORT=8000
# `manage.py backup` calls pg_dump, which must be as new as the server in compose.yaml.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home nostrade \
    && install --directory --owner=nostrade --mode=700 /data \
    && install --directory --owner=nostrade /srv/static
COPY --from=build /venv /venv
WORKDIR /srv/nostrade
COPY . .
USER 10001
# The secret key made for this one command goes with its folder; a real one comes from the environment.
RUN NOSTRADE_DATA_DIR=/tmp/build python manage.py collectstatic --no-input --verbosity 0 && rm -r /tmp/build
VOLUME /data
EXPOSE 8000
# Alive, not ready: who restarts what is unhealthy must not do so for want of a broker or a checkpoint.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "--config", "python:nostrade_site.gunicorn", "nostrade_site.wsgi"]
