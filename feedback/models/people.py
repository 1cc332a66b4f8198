"""Who speaks, and whether it may teach the model."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.utils import timezone

Person = AbstractBaseUser | AnonymousUser


class TrainingOptOut(models.Model):
    """A person whose reactions rank their own feed and teach no model, from the next training run on."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="training_opt_out"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.user} teaches no model"
