"""The controls: query strings there and back, what they do to the order, and hostile ones."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from catalog.models import Item
from recommender import serving
from recommender.catalogue import Catalogue, catalogue_version, read_catalogue
from recommender.controls import Controls, View, read_controls, view_of
from recommender.feed import PAGE_SIZE, FeedPage, feed_for
from recommender.models import Checkpoint
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, NEWCOMERS, ROMANCES, say

FEED, KEEP = reverse("recommender:feed"), reverse("recommender:keep")
API = "/api/v1/recommendations/"


def ids(page: FeedPage) -> list[int]:
    return [card.item.pk for card in page.cards]


def walk(user: User | AnonymousUser, query: str = "") -> list[int]:
    found, number = [], 1
    while number is not None:
        page = feed_for(user, page=number, asked=QueryDict(query))
        found += ids(page)
        number = page.next_number
    return found


@pytest.fixture
def facts(live: Checkpoint) -> Catalogue:
    """Years, types, scores and members that tell the titles of the small world apart."""
    for item in Item.objects.all():
        item.year, item.rating_mean = 1990 + item.pk % 30, 5 + item.pk % 5
        item.type = "TV" if item.pk % 2 else "Movie"
        item.members = 1000 * item.pk
        item.save()
    serving.forget()
    return read_catalogue(catalogue_version())


EVERYTHING = (
    "in=Action&out=Romance&type=TV&type=OVA&mood=fight&mood=laugh&from=1995&to=2015&score=7.5&members=10000"
    "&discovery=4&variety=1&like=40&near=41&near=12"
)


def test_it_works(live: Checkpoint, ann: User) -> None:
    say(ann, 40)
    page = feed_for(ann, asked=QueryDict("in=Romance"))
    assert set(ids(page)) <= set(ROMANCES)
    assert len(page.cards) == PAGE_SIZE
    assert [chip.label for chip in page.bar.chips] == ["Romance"]


def test_a_query_string_comes_back_as_it_went(facts: Catalogue) -> None:
    controls = read_controls(QueryDict(EVERYTHING), facts)
    assert controls == Controls(
        include=("Action",),
        exclude=("Romance",),
        types=("TV", "OVA"),
        year_from=1995,
        year_to=2015,
        min_score=7.5,
        min_members=10_000,
        discovery=4,
        variety=1,
        moods=("laugh", "fight"),
        like=40,
        near=(41, 12),
    )
    assert read_controls(QueryDict(controls.query()), facts) == controls
    assert Controls().query() == "tuned=1"


def test_an_address_wins_over_what_was_kept_and_a_mood_joins_it(facts: Catalogue) -> None:
    kept = "in=Action&variety=2"
    stored = Controls(include=("Action",), variety=2)
    assert view_of(QueryDict(""), kept, facts) == View(stored, stored)
    assert view_of(QueryDict("page=2"), kept, facts).controls == stored
    assert view_of(QueryDict("type=TV"), kept, facts) == View(Controls(types=("TV",)), stored)
    assert view_of(QueryDict("tuned=1"), kept, facts) == View(Controls(), stored)
    with_mood = view_of(QueryDict("mood=fight"), kept, facts)
    assert with_mood.controls == Controls(include=("Action",), variety=2, moods=("fight",))
    assert with_mood.is_kept
    assert with_mood.query == "mood=fight"
    assert view_of(QueryDict(""), "mood=fight&like=40&near=41", facts).controls == Controls()


@pytest.mark.parametrize(
    "query",
    [
        "in=Nonsense&out=%00&type=<script>&mood=rage",
        "from=abc&to=99999&score=11&members=-5&discovery=9&variety=x",
        "from=" + "9" * 400 + "&score=NaN&members=1e9&like=" + "9" * 50,
        "score=0x8&from=²⁰⁰⁰&like=-1&discovery=%F0%9F%98%80&variety=1.5",
        "like=999999&near=999999&near=x&near=&near=-1&near=%00&in=&type=&from=&to=&score=&members=",
        "in=" + "A" * 5000,
        "&".join(["in=Nonsense"] * 500),
        "%FF=%FE&in=%FF",
        "page=2&below=&shown=99&tuned=no",
    ],
)
def test_hostile_query_strings_are_ignored(live: Checkpoint, client: Client, query: str) -> None:
    response = client.get(f"{FEED}?{query}")
    assert response.status_code == 200
    assert response.context["page"].order.view.controls == Controls()
    assert b"<script>alert" not in response.content


def test_a_flood_of_parameters_is_refused(live: Checkpoint, client: Client) -> None:
    assert client.get(f"{FEED}?{'&'.join(['in=Action'] * 1001)}").status_code == 400


def test_years_the_wrong_way_round_are_turned(facts: Catalogue) -> None:
    controls = read_controls(QueryDict("from=2010&to=2000"), facts)
    assert (controls.year_from, controls.year_to) == (2000, 2010)


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ("type=TV", lambda item: item.type == "TV"),
        ("from=2000&to=2005", lambda item: 2000 <= item.year <= 2005),
        ("score=8", lambda item: item.rating_mean >= 8),
        ("members=40000", lambda item: item.members >= 40_000),
        ("in=Action", lambda item: item.pk not in ROMANCES),
        ("out=Action", lambda item: item.pk in ROMANCES),
    ],
)
def test_a_filter_refills_the_list_from_deeper_ranks(facts: Catalogue, ann: User, query: str, passes) -> None:
    say(ann, 1)
    plain, found = walk(ann), walk(ann, query)
    wanted = {item.pk for item in Item.objects.filter(pk__in=plain) if passes(item)}
    assert set(found) == wanted  # all of them, from wherever they stood
    assert found == [pk for pk in plain if pk in wanted]


SETTINGS = [
    "",
    "discovery=0",
    "discovery=4",
    "variety=4",
    "mood=cry",
    "like=45",
    "out=Action&variety=2&discovery=3",
]


@pytest.mark.parametrize("personal", [True, False])
@pytest.mark.parametrize("query", SETTINGS)
def test_no_page_repeats_or_loses_a_title(live: Checkpoint, ann: User, query: str, personal: bool) -> None:
    user = ann if personal else AnonymousUser()
    if personal:
        say(ann, 1)
    found = walk(user, query)
    allowed = {*ROMANCES, *BATTLES, *NEWCOMERS} - {HIDDEN, ADULT} - ({1} if personal else set())
    if "out=Action" in query:
        allowed &= set(ROMANCES)
    assert len(found) == len(set(found))
    assert set(found) == allowed
    assert found == walk(user, query)
    assert ids(feed_for(user, shown=40, asked=QueryDict(query))) == found[:40]


@pytest.mark.parametrize("name", ["like", "near"])
def test_an_address_names_no_title_that_the_reader_may_not_see(
    live: Checkpoint, client: Client, name: str
) -> None:
    hidden, adult = (Item.objects.get(pk=pk).name for pk in (HIDDEN, ADULT))
    page = client.get(FEED, {name: HIDDEN}).content.decode()
    assert hidden not in page
    assert client.get(API, {name: HIDDEN}).status_code == 400
    page = client.get(FEED, {name: ADULT}).content.decode()
    assert adult not in page
    assert "a title that is not shown" in page
    assert Item.objects.get(pk=10).name in client.get(FEED, {name: 10}).content.decode()


def test_discovery_moves_from_what_is_known_to_what_is_not(live: Checkpoint, ann: User) -> None:
    for anime_id in (31, 32, 33):
        say(ann, anime_id)
    ranker = serving.get_ranker().ranker  # type: ignore[union-attr]
    known = dict(zip(ranker.item_ids, ranker.log_popularity.tolist(), strict=True))
    mean = [
        sum(known.get(pk, -99) for pk in ids(feed_for(ann, asked=QueryDict(f"discovery={step}"))))
        for step in range(5)
    ]
    assert all(one > other for one, other in pairwise(mean))


def test_variety_brings_unlike_titles_and_keeps_the_first(live: Checkpoint, ann: User) -> None:
    for anime_id in (31, 32, 33):
        say(ann, anime_id)
    plain, varied = (ids(feed_for(ann, asked=QueryDict(query))) for query in ("", "variety=4"))
    assert varied[0] == plain[0]
    assert len(set(varied[:10]) & set(ROMANCES)) > len(set(plain[:10]) & set(ROMANCES))


def test_a_mood_raises_what_suits_it(live: Checkpoint, ann: User) -> None:
    for anime_id in (31, 32, 1):
        say(ann, anime_id)
    plain, sad, like = (ids(feed_for(ann, asked=QueryDict(query))) for query in ("", "mood=cry", "like=10"))
    for steered in (sad, like):
        assert len(set(steered) & set(ROMANCES)) > len(set(plain) & set(ROMANCES))
    visitor = ids(feed_for(AnonymousUser(), asked=QueryDict("mood=fight")))
    assert set(visitor) <= set(BATTLES) | set(NEWCOMERS)


@pytest.mark.parametrize("query", ["", "in=Action&from=1990", "variety=3", "discovery=4", "mood=cry&like=40"])
def test_query_count_is_the_same_with_every_control(
    facts: Catalogue, ann: User, query: str, django_assert_num_queries
) -> None:
    say(ann, 1)
    feed_for(ann)
    with django_assert_num_queries(7):
        assert feed_for(ann, asked=QueryDict(query)).cards


def test_where_nothing_passes_the_page_says_what_to_loosen(facts: Catalogue, client: Client) -> None:
    response = client.get(f"{FEED}?in=Romance&out=Romance&type=TV&score=9&from=2019&to=2019")
    assert "Nothing passes all of these filters" not in response.content.decode()  # 9 and 2019: number 29
    response = client.get(f"{FEED}?in=Romance&score=9&from=2018&to=2018&type=TV")
    page = response.context["page"]
    assert page.cards == ()
    assert "Nothing passes all of these filters" in response.content.decode()
    for chip in page.bar.loosened:
        assert chip.url in response.content.decode().replace("&amp;", "&")
        loosened = client.get(chip.url).context["page"]
        assert len(loosened.cards) == chip.cards > 0
    assert page.bar.loosened
    assert client.get(page.bar.clear_url).context["page"].cards


def test_a_reaction_and_the_next_page_stay_in_the_view(live: Checkpoint, client: Client) -> None:
    content = client.get(f"{FEED}?out=Action").content.decode().replace("&amp;", "&")
    assert 'name="next" value="/?shown=20&out=Action"' in content
    assert 'href="/?page=2&out=Action"' in content


def test_a_changed_form_is_answered_with_cards_and_a_clean_address(live: Checkpoint, client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "feed", "HX-Trigger": "tune"}
    response = client.get(f"{FEED}?tuned=1&in=Romance&score=&from=&variety=0", headers=headers)
    assert response.templates[0].name == "recommender/_feed.html"
    assert response.headers["HX-Push-Url"] == f"{FEED}?in=Romance"
    assert b'data-for="tuned"' in response.content
    assert response.content.count(b"data-card=") == PAGE_SIZE


def test_the_form_shows_what_is_set(facts: Catalogue, client: Client) -> None:
    content = client.get(f"{FEED}?in=Romance&out=Action&score=7.3&from=1999&discovery=4").content.decode()
    assert '<input type="checkbox" name="in" value="Romance" checked>' in content
    assert '<option value="7.3" selected>7.3 or more</option>' in content
    assert 'value="1999"' in content
    assert ">Hidden gems</output>" in content
    assert "Hentai" not in content
