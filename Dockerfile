# syntax=docker/dockerfile:1
# Serve (the default):  docker build -t deepfake-detector . && docker run --read-only --tmpfs /tmp -p 8000:8000 deepfake-detector
# Train:                docker build --target train -t deepfake-detector-train . && docker run deepfake-detector-train --help
# Serving holds no TensorFlow, runs as nobody in particular and writes to uploads/, /dev/shm and /tmp alone.

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PATH=/opt/venv/bin:$PATH
WORKDIR /app

# --- what serving needs, and nothing else
FROM base AS serve-packages
COPY requirements-serve.txt ./
RUN python -m venv /opt/venv \
    && pip install --require-hashes --requirement requirements-serve.txt

# --- training: everything, TensorFlow included
FROM base AS train
COPY requirements.txt ./
RUN python -m venv /opt/venv && pip install --require-hashes --requirement requirements.txt
COPY deepfake_detector ./deepfake_detector
COPY models/dlib_hog ./models/dlib_hog
COPY models/face_proposals ./models/face_proposals
COPY train.py ./
RUN useradd --uid 10001 --no-create-home detector \
    && install --directory --owner=10001 data runs models
USER 10001:10001
VOLUME ["/app/data", "/app/runs"]
ENTRYPOINT ["python", "train.py"]

# --- serving; the last stage is the one a plain `docker build` makes
FROM base AS serve
COPY --from=serve-packages /opt/venv /opt/venv
COPY deepfake_detector ./deepfake_detector
COPY templates ./templates
COPY static ./static
COPY translations ./translations
COPY models/default ./models/default
COPY models/dlib_hog ./models/dlib_hog
COPY models/face_proposals ./models/face_proposals
COPY LICENSE inference.py gunicorn.conf.py ./
# Compiled here, because the root may be read-only later.
RUN python -m compileall -q . \
    && useradd --uid 10001 --no-create-home detector \
    && install --directory --owner=10001 --group=10001 --mode=700 uploads
USER 10001:10001
ENV DEEPFAKE_HOST=0.0.0.0 \
    DEEPFAKE_PORT=8000
# A volume stays writable under --read-only, and takes the user's ownership from above.
VOLUME ["/app/uploads"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['DEEPFAKE_PORT'] + '/readyz', timeout=4)"]
CMD ["gunicorn", "inference:app"]
