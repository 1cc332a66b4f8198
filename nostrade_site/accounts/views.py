"""allauth's views, with guests let in where they become members and kept out where only members belong."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as allauth_views
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from feedback.guests import is_guest

View = Callable[..., HttpResponseBase]


class _OpenToGuests:
    """Turn members away, as allauth does; a guest is logged in too, but has come to change that."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not is_guest(request.user):
            return redirect(self.get_authenticated_redirect_url())  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc, no-any-return]


class SignupView(_OpenToGuests, allauth_views.SignupView):
    pass


class LoginView(_OpenToGuests, allauth_views.LoginView):
    pass


def members_only(view: View) -> View:
    """Send guests to the sign-up page: one with a password or an e-mail would be neither guest nor member."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_guest(request.user):
            messages.info(request, "Sign up first; everything you reacted to and saved is kept.")
            return redirect("account_signup")
        return view(request, *args, **kwargs)

    return wrapped
