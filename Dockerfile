FROM python:3.13-slim

# Pango sets the text of PDF documents; the fonts cover Latin, Greek, Cyrillic, Arabic and Hebrew letters.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /app
# "production" leaves the forecasting models out: a smaller image by half, in which forecasts are not made.
ARG LOCK=forecast
COPY requirements/${LOCK}.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/${LOCK}.txt

COPY . .
# Only for collecting the static files: nothing made with this key or these addresses is kept.
RUN python -c "from pathlib import Path; from oms.launcher.catalogs import compile_catalogs; compile_catalogs(Path('locale'))" \
 && SECRET_KEY=build DATABASE_URL=postgresql:/// REDIS_URL=redis:// ALLOWED_HOSTS=localhost OMS_STATE=/app/state \
    python manage.py collectstatic --noinput --verbosity=0 \
 && useradd --system --no-create-home oms \
 && chown -R oms /app/state

USER oms
ENV OMS_ENV=production OMS_STATE=/app/state PYTHONUNBUFFERED=1
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "oms.wsgi"]
