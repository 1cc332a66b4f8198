"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from nostrade_site.content_types import with_plain_types
from nostrade_site.frames import with_room
from nostrade_site.spare import with_spare_thread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostrade_site.settings")

application = with_spare_thread(with_room(with_plain_types(get_wsgi_application())))
