"""From which network a person spoke last, so that one network cannot teach the model as many do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from feedback.networks import network_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class LastNetworkManager(models.Manager["LastNetwork"]):
    def note(self, user: AbstractBaseUser, address: str) -> None:
        """Keep the network of an address in place of the one before; one query."""
        row = LastNetwork(
            user_id=user.pk, network=pseudonym_of_network(address), seen_on=timezone.localdate()
        )
        self.bulk_create(
            [row], update_conflicts=True, unique_fields=["user"], update_fields=["network", "seen_on"]
        )

    def carry_over(self, giver: AbstractBaseUser, receiver: AbstractBaseUser) -> None:
        """Let an account without a network have that of the guest it takes in."""
        if not self.filter(user=receiver.pk).exists():
            self.filter(user=giver.pk).update(user_id=receiver.pk)

    def prune(self, days: int) -> int:
        """Forget the networks without a reaction for `days` days; return how many."""
        return self.filter(seen_on__lt=timezone.localdate() - timedelta(days=days)).delete()[0]

    def of_people(self, user_ids: Sequence[int]) -> dict[int, str]:
        """Return the network of each of a few hundred people, where it is known."""
        return dict(self.filter(user__in=user_ids).values_list("user_id", "network"))


class LastNetwork(models.Model):
    """The network a person spoke from last, as a keyed hash: networks can be told apart, not named.

    One row a person, so that it says where they are and not where they were. Kept for `NETWORK_DAYS`.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="last_network"
    )
    network = models.CharField(max_length=16)
    seen_on = models.DateField(db_index=True)

    objects = LastNetworkManager()

    def __str__(self) -> str:
        return f"{self.user} spoke from {self.network}"


def pseudonym_of_network(address: str) -> str:
    """Return what stands for the network of an address; without the site's secret it leads nowhere."""
    return salted_hmac("feedback.networks", network_of(address), algorithm="sha256").hexdigest()[:16]
