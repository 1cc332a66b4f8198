"""The tokens with which programs act for a member. Only a fingerprint of each is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone

from feedback.models import Person

PREFIX = "nostrade_"  # found by programs that look for secrets in published code
MOST_TOKENS = 20  # of one person
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def digest_of(secret: str) -> str:
    """Return the fingerprint that is stored. A secret of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def mark_of(password: str) -> str:
    """Return what a token remembers of its owner's stored password: with another one it opens nothing."""
    return hashlib.sha256(password.encode()).hexdigest()


def keep_tokens(owner: AbstractBaseUser, before: str) -> None:
    """Let tokens outlive a new form of the same password's hash."""
    marked = ApiToken.objects.filter(user_id=owner.pk, password_mark=mark_of(before))
    marked.update(password_mark=mark_of(owner.password))


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def of(self, user: Person) -> ApiTokenQuerySet:
        """Keep somebody's tokens that open something."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(user_id=user.pk, password_mark=mark_of(user.password))

    def under(self, secret: str) -> ApiToken | None:
        """Return the token that this secret opens, where its owner may log in and has the same password."""
        token = self.filter(digest=digest_of(secret), user__is_active=True).select_related("user").first()
        return token if token and token.password_mark == mark_of(token.user.password) else None


class ApiToken(models.Model):
    """What a program that knows the secret may do in its owner's name."""

    # Their owner is looked up only on the page that lists them, and when an account goes.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    label = models.CharField("What is it for?", max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # Compared with the owner's at every use: however a password is changed, its tokens cannot be forgotten.
    password_mark = models.CharField(max_length=64, default="", db_default="", editable=False)
    reads = models.BooleanField("Read", default=True)
    writes = models.BooleanField("Write", default=False)
    scores = models.BooleanField("Score", default=False)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="token_has_a_scope",
                condition=models.Q(reads=True) | models.Q(writes=True) | models.Q(scores=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.label}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """Name what it may do."""
        named = {"read": self.reads, "write": self.writes, "score": self.scores}
        return tuple(scope for scope, given in named.items() if given)

    def issue(self, owner: AbstractBaseUser) -> str:
        """Save it as `owner`'s and return the secret, which nobody can read again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.user_id, self.digest, self.password_mark = owner.pk, digest_of(secret), mark_of(owner.password)
        self.save()
        ApiToken.objects.filter(user_id=owner.pk).exclude(password_mark=self.password_mark).delete()
        return secret

    def note_use(self) -> None:
        """Note that it is in use, at most once a minute: a read of the API is to stay one."""
        now = timezone.now()
        if self.last_used_at is None or abs(now - self.last_used_at) >= USE_IS_NOTED_EVERY:
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=now)
