"""Taking one's data along: JSON, CSV, and XML that MyAnimeList and our own importer read."""

import csv
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.history import history_of
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Receipt, Saved
from feedback.teaching import let_teach
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory

pytestmark = pytest.mark.django_db
JSON, CSV, XML = (reverse(f"feedback:export_{name}") for name in ("json", "csv", "mal"))


@pytest.fixture
def member(client):
    """Somebody who loved, liked and disliked, changed their mind, and saved."""
    user = UserFactory(email="zoro@example.com")
    client.force_login(user)
    loved, liked, disliked, taken_back, kept = ItemFactory.create_batch(5, name="<i>Title</i> & “more”")
    for item, kind in ((loved, 1), (liked, 2), (disliked, 1), (taken_back, 2), (loved, 3)):
        Event.objects.record(user, item, FeedbackType(kind))
    Event.objects.retract(user, taken_back.pk)
    SavedFactory(user=user, item=kept)
    SavedFactory(user=user, item=liked)
    for item in (kept, ItemFactory(name="Watched once")):
        Dismissal.objects.dismiss(user, item, Dismissal.Kind.SEEN)
    EventFactory()  # somebody else's
    return user


def body(client, address):
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")
    assert "private" in response["Cache-Control"]
    return b"".join(response.streaming_content)


def state(user):
    reactions = [(each.anime_id, each.feedback_type, each.timestamp) for each in history_of(user).reactions]
    saved = Saved.objects.of(user).order_by("created_at", "id").values_list("item_id", "created_at")
    seen = Dismissal.objects.of(user).order_by("created_at", "id").values_list("item_id", "created_at")
    return reactions, list(saved), list(seen)


def test_it_works(client, member):
    everything = json.loads(body(client, JSON))

    assert everything["account"]["username"] == member.username
    assert "password" not in everything["account"]
    said = [(event["reaction"], event["retracts"] is not None) for event in everything["reactions"]]
    assert said == [(kind, False) for kind in ("dislike", "like", "dislike", "like", "love")] + [
        ("retracted", True)
    ]
    assert everything["reactions"][0]["title"] == "<i>Title</i> & “more”"
    assert len(everything["saved"]) == 2


def test_everything_means_every_table_that_names_the_person(client, member):
    let_teach(member, allowed=False)
    Receipt.objects.create(user=member, key="k", event=Event.objects.of(member).first())
    ListImport.objects.create(user=member, source="csv", scale="out of 10", total=0)

    everything = json.loads(body(client, JSON))

    named = {str(each.related_model._meta.verbose_name_plural) for each in member._meta.related_objects}
    assert named - {"events"} <= everything.keys()  # events are told as reactions
    assert [row["key"] for row in everything["receipts"]] == ["k"]
    assert len(everything["training opt outs"]) == len(everything["list imports"]) == 1


@pytest.mark.parametrize("address", [XML, CSV])
def test_our_own_importer_reads_it_back_to_the_same_state(client, member, address):
    file = body(client, address)
    newcomer = UserFactory()
    client.force_login(newcomer)

    client.post(reverse("feedback:list_upload"), {"list": SimpleUploadedFile("list", file)})
    client.post(reverse("feedback:list_confirm", args=[ListImport.objects.get().pk]))

    assert state(newcomer) == state(member)
    assert len(state(member)[0]) == 3


def test_read_back_by_the_same_person_it_changes_nothing(client, member):
    before = Event.objects.count(), state(member)
    client.post(reverse("feedback:list_upload"), {"list": SimpleUploadedFile("list", body(client, XML))})
    page = client.get(ListImport.objects.get().get_absolute_url())
    assert (page.context["plan"].new, page.context["plan"].conflicts) == ([], [])
    client.post(reverse("feedback:list_confirm", args=[ListImport.objects.get().pk]))
    assert (Event.objects.count(), state(member)) == before


def test_the_csv_is_harmless_in_a_spreadsheet(client, member):
    EventFactory(user=member, item__name="=HYPERLINK(“http://x”)")
    rows = list(csv.DictReader(body(client, CSV).decode().splitlines()))
    assert rows[-3]["title"] == "'=HYPERLINK(“http://x”)"
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_exports_cost_the_same_queries_at_any_length(client, member):
    def queries(address):
        with CaptureQueriesContext(connection) as captured:
            body(client, address)
        return len(captured)

    before = [queries(address) for address in (JSON, CSV, XML)]
    for item in ItemFactory.create_batch(20):
        EventFactory(user=member, item=item)
        SavedFactory(user=member, item=item)
    assert [queries(address) for address in (JSON, CSV, XML)] == before


def test_a_visitor_takes_nothing_along(client):
    assert client.get(JSON).status_code == 302
    assert body(client, CSV).decode().strip() == "anime_id,title,feedback,status,date,saved"
    assert client.get(reverse("feedback:lists")).status_code == 200


def test_your_data_links_to_it_all(client, member):
    page = client.get(reverse("feedback:lists")).content.decode()
    assert all(address in page for address in (JSON, CSV, XML, reverse("privacy"), reverse("account_delete")))
