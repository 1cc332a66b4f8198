"""The id of a title that was merged away means the title that stayed, wherever somebody may still use it."""

import json

import pytest
from django.urls import reverse

from catalog.models import GREATEST_ID, Item, MergedItem
from feedback.models import Dismissal, Event, FeedbackType, Saved
from feedback.tests.factories import UserFactory
from feedback.tests.lists import bring, said
from recommender import serving
from recommender.catalogue import catalogue_version, read_catalogue
from recommender.merging import merge
from recommender.models import Ignored
from recommender.tests.fixtures import HIDDEN, say

pytestmark = pytest.mark.django_db
LIKE, LOVE = FeedbackType.LIKE, FeedbackType.LOVE
KEPT, OLD, OLDEST = 1, 2, 3  # OLDEST was merged into OLD, and that into KEPT


def _merge(gone, kept):
    merge(list(Item.objects.filter(pk__in=[gone, kept])), keep=kept)


@pytest.fixture
def _merged(catalogue):
    _merge(OLDEST, OLD)
    _merge(OLD, KEPT)


old = pytest.mark.parametrize("old", [OLD, OLDEST])
uses_merged = pytest.mark.usefixtures("_merged")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def send(client, url, **body):
    return client.post(url, body, content_type="application/json")


@old
@uses_merged
@pytest.mark.parametrize(
    "address",
    [
        "/title/{}/",
        "/title/{}/?from=here&x=%26",
        "/why/{}/?next=/start/",
        "/poster/{}.svg?v=1",
        "/api/v1/items/{}/",
        "/api/v1/items/{}/?format=json",
        "/api/v1/items/{}/similar/",
    ],
)
def test_addresses_lead_to_the_title_that_stayed(client, old, address):
    answer = client.get(address.format(old))
    assert (answer.status_code, answer["Location"]) == (301, address.format(KEPT))
    assert client.get(answer["Location"]).status_code == 200


@old
@uses_merged
@pytest.mark.parametrize("page", ["change/", "history/", "delete/", "change/?_changelist_filters=q%3Dx"])
def test_pages_of_the_admin_lead_there_too_and_say_why(admin_client, old, page):
    answer = admin_client.get(f"/admin/catalog/item/{old}/{page}", follow=True)
    assert answer.redirect_chain == [(f"/admin/catalog/item/{KEPT}/{page}", 301)]
    assert answer.status_code == 200
    assert [str(said) for said in answer.context["messages"]] == [
        f"No {old:03} Show ({old}) was merged into this title."
    ]


@uses_merged
def test_what_is_sent_to_them_changes_nothing(admin_client):
    for page in ("change", "delete"):
        answer = admin_client.post(
            f"/admin/catalog/item/{OLD}/{page}/", {"name": "x", "post": "yes"}, follow=True
        )
        assert "was merged into this title. Nothing was changed." in answer.text
    assert Item.objects.get(pk=KEPT).name != "x"


@uses_merged
@pytest.mark.parametrize("unknown", ["77777", str(9**30), "9" * 5000, "x", "%00", "²", "_31_"])
def test_other_ids_are_unknown_to_the_admin(admin_client, unknown):
    for page in ("change", "history", "delete"):
        answer = admin_client.get(f"/admin/catalog/item/{unknown}/{page}/", follow=True)
        assert "doesn’t exist" in answer.text


@uses_merged
def test_nor_does_the_admin_tell_of_one_to_whoever_may_not_see_it(client):
    client.force_login(UserFactory(is_staff=True))
    assert client.get(f"/admin/catalog/item/{OLD}/change/").status_code == 403
    answer = client.get(f"/admin/catalog/item/{OLD}/history/", follow=True)
    assert "merged" not in answer.text


@uses_merged
def test_no_address_tells_of_a_title_that_is_out_of_sight(client):
    _merge(4, HIDDEN)
    _merge(6, 35)  # for adults
    for pk in (4, 6, 77_777, GREATEST_ID, 9**30):
        for address in ("/api/v1/items/{}/", "/api/v1/items/{}/similar/"):
            answer = client.get(address.format(pk))
            assert answer.status_code == 404
            assert f"There is no title {pk} on show here." in answer.json()["detail"]
    for pk in (4, 77_777, GREATEST_ID, 9**30):
        for address in ("/title/{}/", "/why/{}/", "/poster/{}.svg"):
            assert client.get(address.format(pk)).status_code == 404


def test_the_api_says_so(client):
    paths = client.get("/api/v1/schema/", {"format": "json"}).json()["paths"]
    moving = {path for path, calls in paths.items() if "301" in calls.get("get", {}).get("responses", {})}
    assert moving == {"/api/v1/items/{anime_id}/", "/api/v1/items/{anime_id}/similar/"}
    for path in moving:
        assert "Location" in paths[path]["get"]["responses"]["301"]["headers"]


@old
@uses_merged
def test_programs_react_by_an_old_id(client, member, old):
    answer = send(client, "/api/v1/events/", anime_id=old, feedback_type="love")
    assert (answer.status_code, answer.json()["anime_id"]) == (201, KEPT)

    said = [{"anime_id": old, "feedback_type": "like"}, {"anime_id": 20, "feedback_type": "like"}]
    answer = send(client, "/api/v1/events/batch/", events=said)
    assert [event["anime_id"] for event in answer.json()["events"]] == [KEPT, 20]
    assert {event.item_id: event.feedback_type for event in Event.objects.of(member).standing()} == {
        KEPT: LIKE,
        20: LIKE,
    }


@pytest.mark.usefixtures("catalogue")
def test_what_is_sent_again_after_a_merge_is_answered_as_the_first_time(client, member):
    key = {"Idempotency-Key": "one"}
    one = {"anime_id": OLD, "feedback_type": "love"}
    calls = [("/api/v1/events/", one), ("/api/v1/events/batch/", {"events": [one]})]

    def answers():
        return [client.post(url, body, "application/json", headers=key).json() for url, body in calls]

    first = answers()
    _merge(OLD, KEPT)
    again = answers()

    assert first[0]["id"] == again[0]["id"]
    assert first[1]["events"][0]["id"] == again[1]["events"][0]["id"]
    assert again[0]["anime_id"] == again[1]["events"][0]["anime_id"] == KEPT


@old
@uses_merged
def test_programs_save_and_dismiss_by_an_old_id_and_take_it_back(client, member, old):
    saved, dismissed = f"/api/v1/saved/{old}/", f"/api/v1/dismissals/{old}/seen/"

    assert [client.put(url).json()["anime_id"] for url in (saved, dismissed)] == [KEPT, KEPT]
    assert Saved.objects.of(member).get().item_id == Dismissal.objects.of(member).get().item_id == KEPT
    assert [client.delete(url).status_code for url in (saved, dismissed)] == [204, 204]
    assert not Saved.objects.exists()
    assert not Dismissal.objects.exists()


@old
@uses_merged
def test_so_do_forms_of_a_page_that_was_opened_before(client, member, old):
    def post(name, **data):
        assert client.post(reverse(name, args=[old]), data | {"next": "/"}).status_code in (302, 303)

    post("feedback:react", feedback_type=3)
    post("feedback:save", saved=1)
    post("feedback:dismiss", hide="not-now")
    post("recommender:ignore")
    assert said(member) == {KEPT: LOVE}
    mine = [table.objects.of(member) for table in (Saved, Dismissal, Ignored)]
    assert [rows.get().item_id for rows in mine] == [KEPT] * 3

    post("recommender:count")
    post("feedback:dismiss", show="not-now")
    post("feedback:save", saved=0)
    post("feedback:react", feedback_type=0)
    assert said(member) == {}
    assert not any(rows.exists() for rows in mine)


@uses_merged
@pytest.mark.parametrize("with_model", [True, False])
def test_histories_are_read_with_their_old_ids(client, promote, with_model):
    if with_model:
        promote("first")

    def ranked(*loved, first=()):
        history = [{"anime_id": pk, "feedback_type": "dislike"} for pk in first]
        history += [{"anime_id": pk, "feedback_type": "love"} for pk in loved]
        return send(client, "/api/v1/score/", history=history, k=100).json()["results"]

    expected = ranked(8, KEPT, 9)
    assert ranked(8, OLD, 9) == ranked(8, OLDEST, 9) == expected
    assert ranked(8, KEPT, 9, first=[OLDEST]) == expected  # the last word about one title
    assert KEPT not in [each["anime_id"] for each in expected]
    assert ranked(8, 9) != expected


@uses_merged
def test_the_feed_is_steered_by_old_ids(client):
    kept = client.get("/", {"like": KEPT, "near": [KEPT, 20]})
    for asked in ({"like": OLD, "near": [OLD, 20]}, {"like": OLDEST, "near": [OLDEST, KEPT, 20]}):
        controls = client.get("/", asked).context["page"].order.view.controls
        assert (controls.like, controls.near) == (KEPT, (KEPT, 20))
        assert controls == kept.context["page"].order.view.controls
        assert client.get("/api/v1/recommendations/", asked).status_code == 200


@old
@uses_merged
@pytest.mark.parametrize("kind", ["mal", "anilist", "csv"])
def test_lists_from_elsewhere_reach_the_title_that_stayed(client, member, old, kind):
    texts = {
        "mal": "<myanimelist><myinfo><user_export_type>1</user_export_type></myinfo><anime>"
        f"<series_animedb_id>{old}</series_animedb_id><series_title>?</series_title>"
        "<my_score>10</my_score><my_status>Completed</my_status></anime></myanimelist>",
        "anilist": json.dumps(
            {
                "data": {
                    "MediaListCollection": {
                        "user": {"mediaListOptions": {"scoreFormat": "POINT_10"}},
                        "lists": [
                            {"entries": [{"score": 10, "status": "COMPLETED", "media": {"idMal": old}}]}
                        ],
                    }
                }
            }
        ),
        "csv": f"anime_id,title,score\n{old},?,10\n",
    }
    assert bring(client, texts[kind]).source == kind
    assert said(member) == {KEPT: LOVE}


@uses_merged
def test_a_snapshot_of_the_catalogue_knows_them():
    assert (
        read_catalogue(catalogue_version()).heirs == MergedItem.objects.heirs() == {OLD: KEPT, OLDEST: KEPT}
    )


@uses_merged
def test_the_causes_on_an_old_map_are_those_of_the_title_that_stayed(client, member, promote):
    promote("first")
    for pk in (8, 9, 10):
        say(member, pk)
    serving.forget()
    causes = client.get(reverse("recommender:map_causes", args=[KEPT])).json()
    assert causes["causes"]
    assert client.get(reverse("recommender:map_causes", args=[OLDEST])).json() == causes
