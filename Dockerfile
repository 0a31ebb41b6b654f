# One image for every process of the shop; compose.yml gives each its command.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    QUICKSHOP_HOME=/var/lib/quickshop

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/quickshop quickshop

WORKDIR /srv/quickshop

# The requirements first: a change of the code does not install them again.
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY . .
RUN python -m compileall -q quickshop blueprints realtime tasks

USER quickshop
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
