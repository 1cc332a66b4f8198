"""allauth's views, with guests let in where they become members and kept out where only members belong."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account import views as allauth_views
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods

from feedback.guests import is_guest
from feedback.history import history_of
from feedback.models import Saved
from feedback.redirects import SeeOther, leads_here
from nostrade_site.accounts.deleting import delete_account

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


@require_http_methods(["GET", "HEAD", "POST"])
def staff_login(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """Lead from the admin to the one log-in page, which has limits; refuse members who are no curators."""
    asked = request.GET.get(REDIRECT_FIELD_NAME, "")
    there = asked if leads_here(request, asked) else resolve_url("admin:index")
    if not request.user.is_authenticated or is_guest(request.user):
        return redirect_to_login(there)
    if not request.user.is_staff:
        raise PermissionDenied
    return redirect(there)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(  # type: ignore[untyped-decorator]
    allow_get=True, enabled=lambda request: not is_guest(request.user)
)
def delete(request: HttpRequest) -> HttpResponse:
    """Say what would be deleted; asked to, delete it. A member proves with the password that it is them."""
    user = cast(User, request.user)
    if request.method != "POST":
        counts = {"reactions": len(history_of(user)), "saved": Saved.objects.of(user).count()}
        return render(request, "account/delete.html", counts)
    delete_account(user.pk)
    get_adapter().logout(request)
    messages.success(request, "Deleted. Nothing about you is left here.")
    return SeeOther("/")
