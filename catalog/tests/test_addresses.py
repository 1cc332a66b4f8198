"""Addresses of titles are those of Django, under any prefix."""

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, get_script_prefix, reverse, set_script_prefix

from catalog.addresses import address_of

NAMES = ("catalog:poster", "feedback:react", "feedback:save", "feedback:dismiss", "recommender:title",
         "recommender:why", "recommender:ignore")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_it_works(name: str) -> None:
    for anime_id in (5, 6, 5):
        assert address_of(name, anime_id) == reverse(name, args=[anime_id])


def test_a_prefix_is_part_of_it() -> None:
    usual = get_script_prefix()
    assert address_of("feedback:react", 5) == "/feedback/5/"
    try:
        set_script_prefix("/anime/")
        assert address_of("feedback:react", 5) == "/anime/feedback/5/"
    finally:
        set_script_prefix(usual)
    assert address_of("feedback:react", 5) == "/feedback/5/"


def test_templates_have_it() -> None:
    page = "{% address 'feedback:react' 5 as here %}{{ here }} {% address 'feedback:save' 5 %}"
    assert Template("{% load addresses %}" + page).render(Context()) == "/feedback/5/ /saved/5/"


def test_it_rejects_an_unknown_name() -> None:
    with pytest.raises(NoReverseMatch):
        address_of("feedback:no_such_page", 5)
