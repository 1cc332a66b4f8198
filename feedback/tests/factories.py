"""People, reactions and saved titles for tests."""

from __future__ import annotations

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from factory.django import DjangoModelFactory, Password

from catalog.tests.factories import ItemFactory
from feedback.guests import GUEST_PREFIX
from feedback.models import Event, FeedbackType, Saved

PASSWORD = "three-swords-style"


class UserFactory(DjangoModelFactory[User]):
    """A member, who logs in with PASSWORD."""

    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"member{n}")
    password = Password(PASSWORD)

    class Params:
        guest = factory.Trait(
            username=factory.Sequence(lambda n: f"{GUEST_PREFIX}{n:020x}"), password=Password(None)
        )


class EventFactory(DjangoModelFactory[Event]):
    """A reaction as a row, for what `Event.objects.record` cannot make: an old timestamp, for one."""

    class Meta:
        model = Event

    user = factory.SubFactory(UserFactory)
    item = factory.SubFactory(ItemFactory)
    feedback_type = FeedbackType.LIKE


class SavedFactory(DjangoModelFactory[Saved]):
    class Meta:
        model = Saved

    user = factory.SubFactory(UserFactory)
    item = factory.SubFactory(ItemFactory)
