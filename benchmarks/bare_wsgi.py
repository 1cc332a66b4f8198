"""The bare site's WSGI application: no middleware but gzip, so that as many bytes are sent."""

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from nostrade_site.frames import with_room

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.bare_settings"
django.setup()  # allauth wants its middleware until here
settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]
application = with_room(WSGIHandler())
