"""How well a title matches, in words."""

from __future__ import annotations

import math

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client

from recommender.feed import feed_for
from recommender.match import Match, match_of
from recommender.models import Checkpoint
from recommender.tests.fixtures import NEWCOMERS, say


@pytest.mark.parametrize(
    ("times_chance", "match"),
    [
        (400, Match.STRONG),
        (51, Match.STRONG),
        (49, Match.GOOD),
        (11, Match.GOOD),
        (9, Match.FAIR),
        (2.1, Match.FAIR),
        (1.9, Match.LONG_SHOT),
        (0.001, Match.LONG_SHOT),
    ],
)
def test_it_works(times_chance: float, match: Match) -> None:
    assert match_of(math.log(times_chance / 4000), 4000) is match


def test_words_keep_to_the_order_of_the_ranking(live: Checkpoint, ann: User) -> None:
    say(ann, 1)
    cards = feed_for(ann, shown=60).cards
    strengths = [card.match.at_least for card in cards if card.match]
    assert len(set(strengths)) > 1
    assert strengths == sorted(strengths, reverse=True)


def test_words_are_said_only_where_the_model_knows(live: Checkpoint, ann: User) -> None:
    assert not any(card.match for card in feed_for(AnonymousUser()).cards)
    say(ann, 1)
    for card in feed_for(ann, shown=100).cards:
        assert (card.match is None) == (card.item.pk in NEWCOMERS)


def test_the_card_says_it_and_explains_it(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    say(ann, 1)
    first = feed_for(ann).cards[0].match
    assert first
    page = client.get("/").content.decode()
    assert f'popovertarget="match-{first.slug}"' in page
    assert f'id="match-{first.slug}" popover' in page
    assert first.meaning in page
    assert "%" not in first.meaning
