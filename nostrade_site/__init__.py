"""The site: settings, URLs, the Celery application, accounts and health."""

from nostrade_site.celery import app as celery_app

__all__ = ["celery_app"]
