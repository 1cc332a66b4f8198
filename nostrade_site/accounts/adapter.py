"""How a guest becomes a member: by signing up in place, or by logging in to an account that exists."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from feedback.guests import hand_over, hold_titles_of, is_guest
from feedback.models import Dismissal, Event, Saved
from feedback.models.events import serialise
from feedback.redirects import leads_here
from nostrade_site.accounts.identity import is_taken, take_name
from nostrade_site.accounts.names import spelled
from recommender.impressions import carry_over_impressions
from recommender.models import Ignored, Impression, carry_over_ignored, carry_over_preferences

# Under which sessions begin, though another one checked the password: the version before knows it too.
SESSIONS_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class AccountAdapter(DefaultAccountAdapter):
    def new_user(self, request: HttpRequest) -> User:
        """Give sign-up the guest's own row, so that every reaction and saved title stays where it is."""
        guest = request.user
        if is_guest(guest):
            # Read anew: the form fills this object in before it is certain that the sign-up succeeds.
            return get_user_model().objects.get(pk=guest.pk)
        return super().new_user(request)  # type: ignore[no-any-return]

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Return the name as it is stored, where it is fit for one and nobody has it in any spelling."""
        name: str = super().clean_username(spelled(username), shallow)
        if not shallow and is_taken(name):
            raise self.validation_error("username_taken")
        return name

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save name and key together; IntegrityError where somebody took one of them in the meantime."""
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            take_name(saved)
        return saved

    def is_safe_url(self, url: str | None) -> bool:
        """Go by the rule of the site's own forms: allauth's lets this machine's other sites pass."""
        return url is not None and leads_here(context.request, url)

    def login(self, request: HttpRequest, user: User) -> None:
        if request.user.pk == user.pk:
            # A guest who has just signed up: the new password must not empty the session.
            update_session_auth_hash(request, user)
        elif is_guest(request.user):
            with transaction.atomic():
                serialise(request.user.pk, user.pk)
                hold_titles_of(request.user, Event, Saved, Dismissal, Ignored, Impression)
                carry_over_preferences(request.user, user)
                carry_over_impressions(request.user, user)
                carry_over_ignored(request.user, user)
                hand_over(request.user, user)
        user.backend = SESSIONS_BACKEND
        super().login(request, user)

    def logout(self, request: HttpRequest) -> None:
        super().logout(request)
        rotate_token(request)  # a guest is recognised by it for a moment; the next person must not be

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)  # type: ignore[no-any-return]
