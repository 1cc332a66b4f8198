"""`request.show_adult`."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse

from recommender.middleware import PreferencesMiddleware
from recommender.models import Preferences


def asked(user: User | AnonymousUser) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    PreferencesMiddleware(lambda _: HttpResponse())(request)
    return request


def test_it_works(ann: User, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        request = asked(ann)
    with django_assert_num_queries(1):
        assert not request.show_adult
        assert not request.show_adult
    Preferences.objects.create(user=ann, show_adult=True)
    assert asked(ann).show_adult


def test_a_visitor_costs_no_query(db, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert not asked(AnonymousUser()).show_adult
