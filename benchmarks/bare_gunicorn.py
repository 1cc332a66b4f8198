"""The bare site's gunicorn: the real one's settings, but there is no ranker to load."""

from nostrade_site.gunicorn import *  # noqa: F403


def post_worker_init(worker: object) -> None:
    """Begin with the first request."""
