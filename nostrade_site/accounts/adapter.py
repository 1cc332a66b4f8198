"""How a guest becomes a member: by signing up in place, or by logging in to an account that exists."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.utils import timezone

from feedback.guests import hand_over, hold_titles_of, is_guest
from feedback.models import Dismissal, Event, Saved
from feedback.models.events import serialise
from feedback.networks import client_network
from feedback.redirects import leads_here
from nostrade_site.accounts import guessing
from nostrade_site.accounts.addresses import take_from_others
from nostrade_site.accounts.identity import is_taken, take_name
from nostrade_site.accounts.names import spelled
from recommender.impressions import carry_over_impressions
from recommender.models import Ignored, Impression, carry_over_ignored, carry_over_preferences

# Under which sessions begin, though another one checked the password: the version before knows it too.
SESSIONS_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
MAIL_WENT = "account/messages/email_confirmation_sent.txt"


class SignedUpMeanwhileError(Exception):
    """The guest who signs up has become a member while the form was under way: of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": (
            "Too many failed login attempts. Try again in a few minutes, from a browser in which you were"
            " logged in before, or choose a new password by mail."
        ),
    }

    def new_user(self, request: HttpRequest) -> User:
        """Give sign-up the guest's own row, so that every reaction and saved title stays where it is.

        In a transaction: of several sign-ups of one guest the first makes the member, and the others find it.
        """
        guest = request.user
        if not is_guest(guest):
            return super().new_user(request)  # type: ignore[no-any-return]
        serialise(guest.pk)
        # Read again: the form fills this object in before it is certain that the sign-up succeeds.
        now = get_user_model().objects.filter(pk=guest.pk).first()
        if now is None:  # it logged in meanwhile, and what it said went along; or it was deleted
            return super().new_user(request)  # type: ignore[no-any-return]
        if not is_guest(now):
            raise SignedUpMeanwhileError(now.username)
        now.last_login = timezone.now()  # as it will be in a moment: by it a second press knows the first
        return now

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Return the name as it is stored, where it is fit for one and free in every spelling."""
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

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return what allauth's limits count: the network."""
        return client_network(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Name the site as SITE_URL does, and not as the request's `Host`."""
        site = {"domain": settings.SITE_URL.partition("://")[2], "name": "Nostrade"}
        super().send_mail(template_prefix, email, context | {"current_site": site})

    def is_safe_url(self, url: str | None) -> bool:
        """Go by the rule of the site's own forms: allauth's lets this machine's other sites pass."""
        return url is not None and leads_here(context.request, url)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt; allauth takes it back where the password was right."""
        login = credentials.get("username") or credentials.get("email", "")
        self._login_failed_rl_usage = guessing.count(request, login)
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        guessing.forget(request, credentials.get("username") or credentials.get("email", ""))

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        guessing.remember(request, response, user)
        return response

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address, and take it from everybody else who claims it."""
        try:
            with transaction.atomic():
                if confirmed := bool(super().confirm_email(request, email_address)):
                    take_from_others(email_address)
        except IntegrityError:  # another account's confirmation was quicker
            said = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, messages.ERROR, said, {"email": email_address.email})
            return False
        return confirmed

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Write to whoever has confirmed the address already that it stays theirs."""
        address = emailconfirmation.email_address
        if address.can_set_verified():
            super().send_confirmation_mail(request, emailconfirmation, signup)
        else:
            self.send_account_already_exists_mail(address.email)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Promise no mail on a site whose mails go to the log."""
        if message_template == MAIL_WENT and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
            message_template = "account/messages/no_mail.txt"
        super().add_message(request, level, message_template, *args, **kwargs)

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
