"""Templates let go of what they were given."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.template import engines
from django.test import Client, RequestFactory

from recommender.models import Checkpoint
from recommender.order import Order
from recommender.tests.fixtures import say


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Leave what refers to itself where it is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Given:
    """What a view passes to a template."""


def test_it_works(no_collector: None) -> None:
    given = Given()
    gone = weakref.ref(given)
    template = engines["rendering"].from_string("{% with 1 as one %}<{{ one }}{{ word }}>{% endwith %}")
    assert template.render({"given": given, "word": "&"}, RequestFactory().get("/")) == "<1&amp;>"
    del given
    assert gone() is None


def test_an_error_keeps_what_was_given_for_who_looks_into_it(no_collector: None) -> None:
    template = engines["rendering"].from_string("{% include name %}")
    with pytest.raises(Exception, match="no such template"):
        template.render({"name": "no such template"})


@pytest.mark.usefixtures("own_ranker")
def test_the_arrays_of_a_feed_end_with_its_answer(
    live: Checkpoint, ann: User, client: Client, no_collector: None
) -> None:
    say(ann, 1)
    client.force_login(ann)
    handler, request = WSGIHandler(), RequestFactory().get("/")  # the tests' own client would keep them
    request.COOKIES["sessionid"] = client.cookies["sessionid"].value
    response = handler.get_response(request)
    assert b"data-card" in response.content
    response.close()
    assert not [each for each in gc.get_objects() if type(each) is Order]
