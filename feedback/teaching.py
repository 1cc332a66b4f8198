"""Whether what a person says may teach the model: their choice, honoured from the next training run on."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from feedback.models import Person, TrainingOptOut


def teaches(user: Person) -> bool:
    """Say whether `user` lets their reactions teach; everybody does until they say otherwise."""
    return not (user.is_authenticated and TrainingOptOut.objects.filter(user=user.pk).exists())


def let_teach(user: AbstractBaseUser, *, allowed: bool) -> None:
    """Store the person's choice; saying the same again changes nothing."""
    if allowed:
        TrainingOptOut.objects.filter(user=user.pk).delete()
    else:
        TrainingOptOut.objects.get_or_create(user_id=user.pk)
