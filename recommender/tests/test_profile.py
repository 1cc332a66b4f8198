"""Your taste: rates of known reactions, what shapes the feed, and the test by hidden titles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Franchise, Item
from feedback.history import History, Reaction, history_of
from feedback.models import Dismissal, FeedbackType
from recommender.influence import N_CARDS, influences_on
from recommender.models import Checkpoint, Ignored, Preferences
from recommender.online import Rate
from recommender.order import Order
from recommender.profile import Facts, Taste, facts_about, taste_of
from recommender.self_test import Hidden, SelfTest, self_test
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, ROMANCES, say

PROFILE, START = reverse("recommender:profile"), reverse("recommender:start")
LOVE, LIKE, DISLIKE = FeedbackType.LOVE, FeedbackType.LIKE, FeedbackType.DISLIKE


def taste(user: User, *, adult: bool = False) -> Taste:
    history = history_of(user)
    return taste_of(history, facts_about(history, adult=adult))


def said(rates) -> dict[str, tuple[int, int]]:
    return {each.label: (each.rate.hits, each.rate.trials) for each in rates}


@pytest.fixture
def romantic(live: Checkpoint, ann: User) -> User:
    """Somebody with eleven reactions: romances loved and liked, battles disliked."""
    for anime_id in (1, 2, 3, 4, 6, 7):
        say(ann, anime_id)
    for anime_id in (8, 9):
        say(ann, anime_id, LIKE)
    for anime_id in (31, 32, 33):
        say(ann, anime_id, DISLIKE)
    return ann


def test_it_works(romantic: User, client: Client) -> None:
    client.force_login(romantic)
    response = client.get(PROFILE)
    page = " ".join(response.content.decode().split())
    assert response.templates[0].name == "recommender/profile.html"
    assert "11 reactions: 6 loved, 2 liked, 3 disliked" in page
    assert said(response.context["taste"].genres) == {"Romance": (6, 8), "Action": (0, 3)}
    assert "6 of 8" in page
    assert "0 of 3: few" in page
    assert "Of the 8 titles you liked or loved last" in page
    assert "<script>" not in page
    assert "style=" not in page


def test_decades_are_told_and_titles_without_a_year_counted(romantic: User) -> None:
    Item.objects.filter(pk__in=(1, 8)).update(year=1998)
    Item.objects.filter(pk=31).update(year=2011)
    read = taste(romantic)
    assert said(read.decades) == {"1990s": (1, 2), "2010s": (0, 1)}
    assert read.undated == 8
    assert (read.overall.hits, read.overall.trials) == (6, 11)


def test_the_last_word_counts(romantic: User) -> None:
    say(romantic, 1, DISLIKE)
    assert said(taste(romantic).genres)["Romance"] == (5, 8)


def test_titles_out_of_sight_are_neither_counted_nor_named(romantic: User, client: Client) -> None:
    say(romantic, HIDDEN)
    say(romantic, ADULT)
    client.force_login(romantic)
    page = client.get(PROFILE).content.decode()
    assert "11 reactions" in page
    for anime_id in (HIDDEN, ADULT):
        assert f"No {anime_id:03} Show" not in page
    assert "Hentai" not in page
    Preferences.objects.create(user=romantic, show_adult=True)
    assert said(taste(romantic, adult=True).genres)["Hentai"] == (1, 1)
    assert "12 reactions" in client.get(PROFILE).content.decode()


def test_a_visitor_is_invited_and_no_account_made(live: Checkpoint, client: Client) -> None:
    response = client.get(PROFILE)
    assert response.status_code == 200
    assert START in response.content.decode()
    assert User.objects.count() == 0
    assert client.post(PROFILE).status_code == 405


def test_it_works_without_a_model(catalogue: None, ann: User, client: Client) -> None:
    say(ann, 1)
    client.force_login(ann)
    page = client.get(PROFILE).content.decode()
    assert "1 reaction:" in page
    assert "No model has ranked for you yet" in page


def test_too_few_reactions_claim_nothing(live: Checkpoint, ann: User, client: Client) -> None:
    for anime_id in (1, 2, 3):
        say(ann, anime_id)
    client.force_login(ann)
    page = client.get(PROFILE).content.decode()
    assert "Too few to say" in page
    assert "A shape is drawn here once" in page
    assert "<polygon" not in page


def test_a_profile_costs_a_constant_number_of_queries(
    romantic: User, client: Client, django_assert_max_num_queries
) -> None:
    client.force_login(romantic)
    client.get(PROFILE)
    for anime_id in range(10, 30):
        say(romantic, anime_id, LIKE)
    with django_assert_max_num_queries(14):
        client.get(PROFILE)


def test_the_radar_draws_genres_with_enough_reactions() -> None:
    """Three genres of five reactions each, one of four: the fourth has no axis."""
    history = History(tuple(reaction(n, LOVE if n < 10 else LIKE) for n in range(1, 20)))
    genres = ["A"] * 5 + ["B"] * 5 + ["C"] * 5 + ["D"] * 4
    read = taste_of(history, {n: Facts(None, (genre,)) for n, genre in enumerate(genres, 1)})
    assert read.radar is not None
    a, b, c = read.radar.axes
    assert [axis.label for axis in (a, b, c)] == ["A", "B", "C"]
    assert a.value == a.end == (180, 46)  # all loved: at the rim, straight up
    assert c.value == (180, 150)  # none loved: in the centre
    assert (b.rate.hits, b.anchor, c.anchor) == (4, "start", "end")
    assert (
        taste_of(History(history.reactions[:10]), {n: Facts(None, ("A", "B")) for n in range(9)}).radar
        is None
    )


def reaction(anime_id: int, feedback_type: FeedbackType) -> Reaction:
    return Reaction(anime_id, anime_id, feedback_type, float(anime_id))


def test_influences_are_the_falls_that_the_ranker_tells(romantic: User) -> None:
    order = Order.of(romantic)
    found = influences_on(order)
    cards = order.slice(0, N_CARDS)
    assert order.live is not None
    falls: dict[int, float] = {}
    known = [pk for pk in cards if order.live.ranker.knows(pk)]
    for causes in order.live.ranker.explain(order.sequence, known):
        for cause in causes:
            falls[cause.item_id] = falls.get(cause.item_id, 0) + abs(cause.drop)
    strongest = sorted(falls, key=lambda pk: -falls[pk])
    assert [each.item.pk for each in found] == strongest[: len(found)]
    assert found[0].share == 1
    assert found[-1].share == pytest.approx(falls[found[-1].item.pk] / falls[strongest[0]])
    assert all(each.most is not None and each.most.pk in cards for each in found)


def test_an_influence_can_be_left_out_and_comes_back(romantic: User, client: Client) -> None:
    client.force_login(romantic)
    first = client.get(PROFILE).context["influences"][0].item
    form = {"next": PROFILE}
    assert client.post(reverse("recommender:ignore", args=[first.pk]), form).headers["Location"] == PROFILE
    response = client.get(PROFILE)
    assert first.pk not in [each.item.pk for each in response.context["influences"]]
    assert f"Count again: </span><span>{first.name}" in response.content.decode()
    assert response.context["taste"].known == 11  # it is still what they think


def test_hidden_titles_stand_where_the_feed_would_show_them(romantic: User) -> None:
    order = Order.of(romantic)
    test = self_test(order)
    assert [title.item.pk for title in test.titles] == [9, 8, 7, 6, 4, 3, 2, 1]  # the newest first
    for title in test.titles:
        rest = History(tuple(said for said in order.history.reactions if said.anime_id != title.item.pk))
        for place, live in ((title.ranked, order.live), (title.popular, None)):
            cards = replace(order, live=live, history=rest).slice(0, 20)
            assert place == (cards.index(title.item.pk) + 1 if title.item.pk in cards else None)
    assert test.ranked.hits == sum(title.ranked is not None for title in test.titles) > 0


def test_only_titles_that_the_feed_could_show_are_hidden(romantic: User) -> None:
    Item.objects.filter(pk=1).update(is_hidden=True)
    Dismissal.objects.create(user=romantic, item_id=2, kind=Dismissal.Kind.SEEN)
    say(romantic, 101)  # the model does not know it
    Ignored.objects.create(user=romantic, item_id=3)
    assert {title.item.pk for title in self_test(Order.of(romantic)).titles} == {4, 6, 7, 8, 9}


def test_a_start_is_not_hidden_where_its_sequel_says_it_all(romantic: User) -> None:
    """The third entry was seen, the fourth comes next: no card could bring the first back."""
    saga = Franchise.objects.create(name="One saga")
    Item.objects.filter(pk__in=(1, 2, 3, 10)).update(franchise=saga)
    assert {title.item.pk for title in self_test(Order.of(romantic)).titles} == {3, 4, 6, 7, 8, 9}


def test_filters_do_not_change_what_the_model_knows(romantic: User) -> None:
    before = self_test(Order.of(romantic))
    Preferences.objects.create(user=romantic, controls="in=Action")
    assert self_test(Order.of(romantic)) == before


def test_at_most_twenty_are_hidden(live: Checkpoint, ann: User) -> None:
    for anime_id in (*ROMANCES[:20], *BATTLES[:10]):
        if anime_id not in (HIDDEN, ADULT):
            say(ann, anime_id)
    test = self_test(Order.of(ann))
    assert len(test.titles) == 20
    assert test.titles[0].item.pk == BATTLES[9]


@pytest.mark.parametrize(
    ("ranked", "popular", "verdict"),
    [
        ("xxxxxxxx", "........", "ahead"),
        ("........", "xxxxxxxx", "behind"),
        ("xxxx....", "........", "level"),
        ("xxxxxxxx", "xxxxxxxx", "level"),
    ],
)
def test_a_lead_is_claimed_only_where_chance_does_not_make_it(
    ranked: str, popular: str, verdict: str
) -> None:
    places = [
        (1 if a == "x" else None, 1 if b == "x" else None) for a, b in zip(ranked, popular, strict=True)
    ]
    test = SelfTest(tuple(Hidden(Item(pk=1), *place) for place in places))
    assert test.verdict == verdict
    assert replace(test, titles=test.titles[:4]).is_enough is False


def test_few_reactions_have_a_wide_interval() -> None:
    assert Rate(2, 2).percents == (100.0, 34.2, 100.0)
