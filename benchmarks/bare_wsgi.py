"""The bare site's WSGI application: no middleware but gzip, so that as many bytes are sent."""

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.bare_settings"
django.setup()  # allauth wants its middleware until here
settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]
application = WSGIHandler()
