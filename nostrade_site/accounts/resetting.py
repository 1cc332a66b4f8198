"""Choosing a new password by mail: who is written to, and what a reset settles."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.signup import send_unknown_account_mail
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context, ratelimit
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from nostrade_site.accounts.addresses import settle
from nostrade_site.accounts.guessing import forget
from nostrade_site.accounts.identity import claimants_of, holder_of

MOST_ACCOUNTS = 5  # in one mail, of those that claim an address which no account has confirmed


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    """One mail, whoever is registered: to the account that has the address, or those that may."""

    def clean_email(self) -> str:
        email: str = get_adapter().clean_email(self.cleaned_data["email"].lower())
        holder = holder_of(email)
        found = [holder] if holder else claimants_of(email).filter(is_active=True)[:MOST_ACCOUNTS]
        self.users = [person for person in found if person.is_active]
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send it, or nothing after a few: the links that were sent are good still."""
        email: str = self.cleaned_data["email"]
        if not ratelimit.consume(request, action="reset_mail", key=email):
            return email
        if self.users:
            accounts = [(person.username, _link(person)) for person in self.users]
            get_adapter().send_mail("account/email/password_reset_key", email, {"accounts": accounts})
        else:
            send_unknown_account_mail(request, email)
        return email


class ResetPasswordKeyForm(allauth_forms.ResetPasswordKeyForm):
    def save(self) -> None:
        """Change the password, and leave whoever had the account before no way back to it."""
        with transaction.atomic():
            super().save()
            settle(self.user)
        forget(context.request, self.user.username)


def _link(person: User) -> str:
    key = f"{user_pk_to_url_str(person)}-{allauth_forms.default_token_generator.make_token(person)}"
    url: str = get_adapter().get_reset_password_from_key_url(key)
    return url
