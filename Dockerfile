# CPU image of the server. Build: docker build -t zhaoshang .   Run: docker run -p 8000:8000 -e ZHAOSHANG_API_KEYS=… zhaoshang
# The container needs no network at run time: checkpoints are in the image, hubs are switched off.
FROM python:3.11-slim

# Where the CPU wheels of torch come from; see the README. Empty: the ordinary index (a CUDA build, gigabytes).
ARG TORCH_INDEX=""

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 TOKENIZERS_PARALLELISM=false

WORKDIR /app
# Dependencies change rarely and are large: a layer of their own.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN python -m venv /venv \
 && if [ -n "$TORCH_INDEX" ]; then /venv/bin/pip install --index-url "$TORCH_INDEX" --no-deps -c constraints.txt torch; fi \
 && /venv/bin/python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" > /tmp/requirements.txt \
 && /venv/bin/pip install -c constraints.txt -r /tmp/requirements.txt && rm /tmp/requirements.txt

COPY data ./data
COPY models ./models
COPY training ./training
COPY serving ./serving

RUN useradd --create-home --uid 10001 zhaoshang && mkdir /crawl && chown zhaoshang /crawl
USER zhaoshang
ENV PATH=/venv/bin:$PATH ZHAOSHANG_HOST=0.0.0.0 ZHAOSHANG_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["python", "-m", "serving", "run"]
