"""Settings of the bare site that `benchmarks/load.py` measures beside the real one."""

from nostrade_site.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare_page"
WSGI_APPLICATION = "benchmarks.bare_wsgi.application"
TEMPLATES = [
    TEMPLATES[0]  # noqa: F405
    | {"OPTIONS": {"context_processors": ["django.template.context_processors.request"]}}
]
