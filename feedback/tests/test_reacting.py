"""The forms under a card: react, take back, undo, save."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from catalog.tests.factories import GenreFactory, ItemFactory
from feedback.history import history_of
from feedback.models import Event, FeedbackType, Saved
from feedback.templatetags.reactions import of
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory
from feedback.undoing import undo_of

pytestmark = pytest.mark.django_db
FEED = reverse("recommender:feed")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def react(client, item, feedback_type=FeedbackType.LOVE, **data):
    return client.post(
        reverse("feedback:react", args=[item.pk]), {"feedback_type": int(feedback_type)} | data
    )


def undo(client, event_id, **data):
    return client.post(reverse("feedback:undo", args=[event_id]), data)


def save(client, item, saved="1", **data):
    return client.post(reverse("feedback:save", args=[item.pk]), {"saved": saved} | data)


def last_message(response):
    return list(get_messages(response.wsgi_request))[-1]


def undo_event(message):
    """Return the event that the Undo of a notice takes back."""
    return resolve(undo_of(message).url).kwargs["event_id"]


def standing(user):
    return {reaction.anime_id: reaction.feedback_type for reaction in history_of(user).reactions}


def test_it_works(client, member):
    item = ItemFactory(name="Cowboy Bebop")

    response = react(client, item, next="/search/?q=bebop")

    assert (response.status_code, response["Location"]) == (303, "/search/?q=bebop")
    assert standing(member) == {item.pk: FeedbackType.LOVE}
    message = last_message(response)
    assert str(message) == "Loved Cowboy Bebop"
    assert undo_event(message) == Event.objects.get().pk


def test_the_number_of_queries_does_not_grow_with_the_history(client, member):
    def queries():
        item = ItemFactory()
        with CaptureQueriesContext(connection) as captured:
            assert react(client, item).status_code == 303
        return [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]

    queries()  # the first of a day notes the network too
    few = queries()
    EventFactory.create_batch(20, user=member)

    assert len(queries()) == len(few) <= 8, few


def test_a_doubled_post_logs_once(client, member):
    item = ItemFactory()

    react(client, item)
    assert react(client, item).status_code == 303

    assert Event.objects.count() == 1


def test_a_changed_mind_replaces_the_reaction(client, member):
    item = ItemFactory()

    react(client, item, FeedbackType.LIKE)
    react(client, item, FeedbackType.DISLIKE)

    assert standing(member) == {item.pk: FeedbackType.DISLIKE}


def test_undo_takes_the_reaction_back(client, member):
    item = ItemFactory()
    react(client, item, FeedbackType.LIKE)
    event_id = undo_event(last_message(react(client, item)))

    first, second = undo(client, event_id, next="/activity/"), undo(client, event_id)

    assert (first.status_code, first["Location"]) == (303, "/activity/")
    assert second.status_code == 303
    assert standing(member) == {item.pk: FeedbackType.LIKE}


def test_removing_offers_undo(client, member):
    item = ItemFactory(name="Cowboy Bebop")
    react(client, item)

    response = react(client, item, FeedbackType.RETRACTED)
    assert standing(member) == {}
    assert str(last_message(response)) == "Took back your reaction to Cowboy Bebop"

    undo(client, undo_event(last_message(response)))
    assert standing(member) == {item.pk: FeedbackType.LOVE}


def test_removing_twice_is_no_error(client, member):
    item = ItemFactory()
    react(client, item)

    react(client, item, FeedbackType.RETRACTED)

    assert react(client, item, FeedbackType.RETRACTED).status_code == 303
    assert Event.objects.count() == 2


def test_undo_rejects_other_peoples_events(client, member):
    event = EventFactory()

    response = undo(client, event.pk)

    assert response.status_code == 404
    assert standing(event.user) == {event.item_id: FeedbackType.LIKE}


def test_undo_rejects_visitors_and_unknown_events(client):
    assert undo(client, EventFactory().pk).status_code == 404
    assert undo(client, 10**30).status_code == 404
    assert not get_user_model().objects.filter(username__startswith="guest-").exists()


@pytest.mark.parametrize("wrong", ["", "4", "-1", "love", "1.5", "²"])
def test_it_rejects_an_unknown_feedback_type(client, member, wrong):
    response = client.post(reverse("feedback:react", args=[ItemFactory().pk]), {"feedback_type": wrong})

    assert response.status_code == 400
    assert "Send feedback_type 1 for dislike" in response.content.decode()
    assert not Event.objects.exists()


@pytest.mark.parametrize("feedback_type", FeedbackType)
def test_it_rejects_titles_that_are_not_on_show(client, member, feedback_type):
    adult = ItemFactory(genres=[GenreFactory(is_adult=True)])
    hidden = ItemFactory(is_hidden=True)
    unknown = ItemFactory.build(anime_id=10**30)

    for item in (adult, hidden, unknown):
        response = react(client, item, feedback_type)
        assert response.status_code == 404
        assert "This title is not here" in response.content.decode()
    assert not Event.objects.exists()


def adult_on(get_response):
    """Switch adult titles on, as a middleware above this app does for those who asked for them."""

    def middleware(request):
        request.show_adult = True
        return get_response(request)

    return middleware


def test_adult_titles_take_reactions_where_they_are_on(client, member, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.adult_on"]
    item = ItemFactory(genres=[GenreFactory(is_adult=True)])

    assert react(client, item).status_code == 303
    assert save(client, item).status_code == 303
    assert standing(member) == {item.pk: FeedbackType.LOVE}


def test_titles_hidden_later_can_be_taken_back(client, member):
    undone, retracted = ItemFactory(), ItemFactory()
    event_id = undo_event(last_message(react(client, undone)))
    react(client, retracted)
    type(undone).objects.update(is_hidden=True)

    assert undo(client, event_id).status_code == 303
    assert react(client, retracted, FeedbackType.RETRACTED).status_code == 303

    assert standing(member) == {}


def test_htmx_gets_a_refusal_as_a_bare_sentence(client, member):
    url = reverse("feedback:react", args=[ItemFactory(is_hidden=True).pk])

    response = client.post(url, {"feedback_type": "3"}, headers={"HX-Request": "true"})

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.decode().startswith("This title is not here")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\x00//evil.example",
        "/" + "x" * 5000,
        "",
    ],
)
def test_it_rejects_redirects_away_from_the_site(client, member, elsewhere):
    item = ItemFactory()
    event = EventFactory(user=member)

    for response in (
        react(client, item, next=elsewhere),
        react(client, item, FeedbackType.RETRACTED, next=elsewhere),
        undo(client, event.pk, next=elsewhere),
        save(client, item, next=elsewhere),
    ):
        assert (response.status_code, response["Location"]) == (303, FEED)


def test_it_rejects_get(client, member):
    item, event = ItemFactory(), EventFactory(user=member)

    for name, pk in (("react", item.pk), ("save", item.pk), ("undo", event.pk)):
        assert client.get(reverse(f"feedback:{name}", args=[pk])).status_code == 405


def test_it_rejects_posts_without_a_csrf_token():
    client = Client(enforce_csrf_checks=True)
    event = EventFactory()
    client.force_login(event.user)

    assert react(client, event.item).status_code == 403
    assert undo(client, event.pk).status_code == 403
    assert save(client, event.item).status_code == 403
    assert standing(event.user) == {event.item_id: FeedbackType.LIKE}
    assert not Saved.objects.exists()


def test_a_title_is_saved_once_and_let_go(client, member):
    item = ItemFactory(name="Cowboy Bebop")

    response = save(client, item, next="/saved/")
    assert (response.status_code, response["Location"]) == (303, "/saved/")
    assert str(last_message(response)) == "Saved Cowboy Bebop"
    save(client, item)
    assert [saved.item for saved in Saved.objects.filter(user=member)] == [item]

    assert str(last_message(save(client, item, "0"))) == "No longer saved: Cowboy Bebop"
    assert save(client, item, "0").status_code == 303
    assert not Saved.objects.exists()


def test_letting_go_leaves_other_peoples_titles_alone(client, member):
    saved = SavedFactory()

    save(client, saved.item, "0")

    assert Saved.objects.get() == saved


def test_saving_rejects_what_is_not_on_show_and_what_it_does_not_know(client, member):
    assert save(client, ItemFactory(is_hidden=True)).status_code == 404
    assert save(client, ItemFactory.build(anime_id=10**30)).status_code == 404
    assert save(client, ItemFactory(), "yes").status_code == 400
    assert save(client, ItemFactory.build(anime_id=10**30), "0").status_code == 303
    assert not Saved.objects.exists()


def test_templates_can_look_up_a_reaction():
    event = EventFactory()
    reactions = {reaction.anime_id: reaction for reaction in history_of(event.user).reactions}

    assert of(reactions, event.item_id).event_id == event.pk
    assert of(reactions, 0) is None
