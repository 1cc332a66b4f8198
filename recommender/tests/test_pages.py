"""The pages: feed, first visit, a title, preferences."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from feedback.models import FeedbackType
from feedback.teaching import teaches
from recommender.impressions import Log
from recommender.models import Checkpoint, Preferences
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, NEWCOMERS, ROMANCES, Promote, say

FEED, START, PREFERENCES = (reverse(f"recommender:{name}") for name in ("feed", "start", "preferences"))
HTMX = {"HX-Request": "true"}


def title(anime_id: int) -> str:
    return reverse("recommender:title", args=[anime_id])


def test_it_works(live: Checkpoint, ann: User, client: Client) -> None:
    say(ann, 1)
    client.force_login(ann)
    response = client.get(FEED)
    assert response.status_code == 200
    assert response.templates[0].name == "recommender/feed.html"
    assert "Because you loved No 001 Show" in response.content.decode()
    assert len(response.context["page"].cards) == 20


def test_htmx_gets_the_fragment_and_caches_are_told(live: Checkpoint, client: Client) -> None:
    response = client.get(FEED, {"page": 2}, headers=HTMX)
    assert response.templates[0].name == "recommender/_feed.html"
    assert "<html" not in response.content.decode()
    assert "HX-Request" in response.headers["Vary"]
    assert "HX-Request" in client.get(FEED).headers["Vary"]


def test_a_page_names_the_checkpoint_that_ranked_it(live: Checkpoint, ann: User, client: Client) -> None:
    assert client.get(FEED).headers["X-Ranked-By"] == "popularity"
    say(ann, 1)
    client.force_login(ann)
    response = client.get(FEED)
    assert response.headers["X-Ranked-By"] == "first"
    page = response.content.decode()
    assert '<p class="lede" title="Ranked by model first">Ranked for you from 1 reaction.' in page


def test_a_list_never_mixes_two_checkpoints(
    live: Checkpoint, promote: Promote, ann: User, client: Client, settings
) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    say(ann, 1)
    client.force_login(ann)
    below = {"page": 2, "below": "first"}
    assert "page=2&amp;below=first" in client.get(FEED).content.decode()
    second = client.get(FEED, below, headers=HTMX)
    assert "HX-Retarget" not in second.headers
    assert len(second.context["page"].cards) == 20
    promote("second")
    anew = client.get(FEED, below, headers=HTMX)
    assert (anew.headers["X-Ranked-By"], anew.headers["HX-Retarget"]) == ("second", "#feed")
    assert [card.item for card in anew.context["page"].cards[:20]] == [
        card.item for card in client.get(FEED).context["page"].cards
    ]
    assert len(anew.context["page"].cards) == 40


def test_a_page_behind_the_end_says_so(live: Checkpoint, client: Client) -> None:
    whole = client.get(FEED, {"page": 999, "variety": 2}).content.decode()
    assert "The list ends before this page" in whole
    beginning = re.search(r'href="([^"]*)">To its beginning', whole)
    assert beginning
    assert "variety=2" in beginning[1]
    assert "page=" not in beginning[1]
    assert "The list ends" not in client.get(FEED, {"page": 999}, headers=HTMX).content.decode()


@pytest.mark.parametrize("url", [FEED, START])
def test_undo_beside_a_list_gets_the_whole_page(live: Checkpoint, client: Client, url: str) -> None:
    page = client.get(url, headers=HTMX | {"HX-Target": "main"}).content.decode()
    assert '<main id="main"' in page
    assert 'data-for="toasts"' not in page  # else the notice would come twice


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1e9", "٣", "9" * 400, "999999"])
@pytest.mark.parametrize("name", ["page", "shown"])
def test_the_feed_survives_any_paging(live: Checkpoint, client: Client, name: str, value: str) -> None:
    assert client.get(FEED, {name: value}).status_code == 200


def test_the_feed_is_only_read(client: Client) -> None:
    assert client.post(FEED).status_code == 405


def test_a_visitor_sees_the_feed_without_becoming_a_guest(live: Checkpoint, client: Client) -> None:
    assert client.get(FEED).status_code == 200
    assert client.get(START).status_code == 200
    assert client.get(title(1)).status_code == 200
    assert User.objects.count() == 0


def test_a_whole_page_costs_a_constant_number_of_queries(
    live: Checkpoint, ann: User, client: Client, log: Log, django_assert_max_num_queries
) -> None:
    client.force_login(ann)
    for anime_id in ROMANCES[:6]:
        if anime_id != HIDDEN:
            say(ann, anime_id)
    client.get(FEED)
    with django_assert_max_num_queries(12):  # session, user, eight of the feed, saved titles, chips
        client.get(FEED)


def test_start_offers_popular_titles_and_counts_picks(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    say(ann, 1)
    say(ann, 2, FeedbackType.DISLIKE)
    context = client.get(START).context
    assert (len(context["picks"]), context["needed"], len(context["items"])) == (1, 3, 48)
    assert not {HIDDEN, ADULT} & {item.pk for item in context["items"]}
    assert context["items"][0].pk == 1


def test_start_leads_to_the_feed_after_three_picks(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    for anime_id in (1, 2, 3):
        say(ann, anime_id)
    assert client.get(START).headers["Location"] == FEED
    assert client.get(START, headers=HTMX).headers["HX-Redirect"] == FEED
    assert client.get(START, {"more": 1}).status_code == 200


def test_start_searches(live: Checkpoint, client: Client) -> None:
    response = client.get(START, {"q": "No 042 show"}, headers=HTMX | {"HX-Target": "start"})
    assert response.templates[0].name == "recommender/_start.html"
    assert response.context["items"][0].pk == 42
    assert client.get(START, {"q": "%%% \x00 ' or"}).status_code == 200


def test_a_title_shows_similar_ones(live: Checkpoint, client: Client) -> None:
    similar = [item.pk for item in client.get(title(10)).context["similar"]]
    assert len(similar) == 12
    assert len(set(similar) & set(ROMANCES)) > 9
    assert not {10, HIDDEN, ADULT} & set(similar)


def test_a_title_the_model_does_not_know_shows_its_genres(live: Checkpoint, client: Client) -> None:
    similar = [item.pk for item in client.get(title(NEWCOMERS[0])).context["similar"]]
    assert similar[0] == BATTLES[0]
    assert not {NEWCOMERS[0], HIDDEN, ADULT} & set(similar)


@pytest.mark.parametrize("anime_id", [HIDDEN, 4_000_000_000_000, 99_999])
def test_an_unknown_or_hidden_title_is_not_found(live: Checkpoint, client: Client, anime_id: int) -> None:
    response = client.get(title(anime_id))
    assert response.status_code == 404
    assert "recommender/adult_off.html" not in [template.name for template in response.templates]


def test_an_adult_title_says_how_to_switch_it_on(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    response = client.get(title(ADULT))
    assert response.status_code == 404
    assert PREFERENCES in response.content.decode()
    Preferences.objects.create(user=ann, show_adult=True)
    assert client.get(title(ADULT)).status_code == 200


def test_preferences_are_kept(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    assert client.get(PREFERENCES).status_code == 200
    assert client.post(PREFERENCES, {"wildcards": "2", "show_adult": "on"}).headers["Location"] == PREFERENCES
    kept = Preferences.objects.get(user=ann)
    assert (kept.show_adult, kept.wildcards) == (True, 2)
    assert client.get(PREFERENCES).context["form"].initial["show_adult"]
    client.post(PREFERENCES, {"wildcards": "0"})
    assert not Preferences.objects.get(user=ann).show_adult


def test_opting_out_of_training_is_kept_and_taken_back(live: Checkpoint, ann: User, client: Client) -> None:
    client.force_login(ann)
    assert client.get(PREFERENCES).context["form"]["teaches"].value()
    client.post(PREFERENCES, {"wildcards": "0"})
    assert not teaches(ann)
    assert not client.get(PREFERENCES).context["form"]["teaches"].value()
    client.post(PREFERENCES, {"wildcards": "1", "teaches": "on"})
    assert teaches(ann)


def test_preferences_make_a_guest_only_when_posted(live: Checkpoint, client: Client) -> None:
    client.get(PREFERENCES)
    assert User.objects.count() == 0
    client.post(PREFERENCES, {"wildcards": "2", "show_adult": "on"})
    assert Preferences.objects.get().show_adult
    assert client.get(title(ADULT)).status_code == 200


@pytest.mark.parametrize("wildcards", ["4", "-1", "many", ""])
def test_preferences_reject_another_number_of_wildcards(ann: User, client: Client, wildcards: str) -> None:
    client.force_login(ann)
    assert client.post(PREFERENCES, {"wildcards": wildcards}).status_code == 400
    assert not Preferences.objects.exists()


def test_preferences_reject_a_forged_form(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    assert client.post(PREFERENCES, {"show_adult": "on"}).status_code == 403
    assert not Preferences.objects.exists()
