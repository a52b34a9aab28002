# Two stages, so that the image contains no pip cache. It contains no PostgreSQL: set DATABASE_URL.

FROM python:3.13-slim AS builder
COPY requirements/production.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement production.txt

FROM python:3.13-slim
WORKDIR /srv/keyhouse
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=builder /opt/venv /opt/venv
COPY manage.py ./
COPY config config
COPY apps apps
# These settings apply to this command only. The collected files do not depend on them.
RUN ENVIRONMENT=development SECRET_KEY=build python manage.py collectstatic --noinput

# A numeric user, so that an orchestrator can verify that it is not root. It cannot write to any file of the image.
USER 10001:10001
ENV ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=2)"]
# Python is the first process, so that it receives SIGTERM and finishes the running requests.
CMD ["python", "manage.py", "serve"]
