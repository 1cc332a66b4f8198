"""allauth's views, with guests let in where they become members and kept out where only members belong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, cast

from allauth.account import views as allauth_views
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.forms import SignupForm
from allauth.account.internal.flows.login import perform_login
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from feedback.guests import is_guest
from feedback.history import history_of
from feedback.models import Saved
from feedback.redirects import SeeOther, leads_here
from nostrade_site.accounts import identity
from nostrade_site.accounts.adapter import SignedUpMeanwhileError
from nostrade_site.accounts.deleting import delete_account

SAME_PRESS = timedelta(minutes=1)  # how long a second press may come after the first
View = Callable[..., HttpResponseBase]


class _OpenToGuests:
    """Turn members away, as allauth does; a guest is logged in too, but has come to change that."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not is_guest(request.user):
            return redirect(self.get_authenticated_redirect_url())  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc, no-any-return]


class SignupView(_OpenToGuests, allauth_views.SignupView):
    """allauth's, which a second press of the button finds done: it ends as the first did."""

    def form_valid(self, form: SignupForm) -> HttpResponse:
        if form.account_already_exists:  # then nothing is made, and perhaps a mail is sent
            return super().form_valid(form)  # type: ignore[no-any-return]
        try:
            with transaction.atomic():  # the account with its address, or neither
                self.user, answer = form.try_save(self.request)
        except SignedUpMeanwhileError as error:
            return self._pressed_again() or self._signed_up_as(error.name)
        except IntegrityError:
            if answer := self._pressed_again():
                return answer
            form.add_error(None, "Somebody took that name at this very moment. Please choose another one.")
            return super().form_invalid(form)  # type: ignore[no-any-return]
        done = answer or complete_signup(self.request, user=self.user, redirect_url=self.get_success_url())
        return cast(HttpResponse, done)

    def form_invalid(self, form: SignupForm) -> HttpResponse:
        """A name or an address that is taken may be one's own: taken by the press before."""
        return self._pressed_again() or super().form_invalid(form)

    def _pressed_again(self) -> HttpResponse | None:
        """Let in who sends the name and password of an account that has just been made, as log-in would.

        Only of one that is a moment old: who tries names that are taken must not use up the tries that
        their owners have for logging in.
        """
        name, password = self.request.POST.get("username", ""), self.request.POST.get("password1", "")
        fresh = timezone.now() - SAME_PRESS
        just_made = Q(date_joined__gte=fresh) | Q(last_login__gte=fresh)
        known = identity.called(name)
        if known is None or not User.objects.filter(just_made, pk=known.pk).exists():
            return None
        try:
            person = get_adapter().authenticate(self.request, username=name, password=password)
        except ValidationError:  # too many tries
            return None
        # A guest who pressed before is that very person by now, or comes with a session that has ended.
        if person is None or is_guest(person) or self.request.user.pk not in {None, person.pk}:
            return None
        return cast(
            HttpResponse,
            perform_login(self.request, Login(user=person, redirect_url=self.get_success_url())),
        )

    def _signed_up_as(self, name: str) -> HttpResponse:
        messages.info(self.request, f"You are signed up already, as {name}.")
        return SeeOther(self.get_authenticated_redirect_url())


class LoginView(_OpenToGuests, allauth_views.LoginView):
    pass


class ConfirmEmailView(allauth_views.ConfirmEmailView):
    """allauth's, which says the same of a link that is spent to a press of the button as to a look at it."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().post(request, *args, **kwargs)  # type: ignore[no-any-return]
        except Http404:
            return self.get(request, *args, **kwargs)  # type: ignore[no-any-return]


def members_only(view: View) -> View:
    """Send guests to the sign-up page: one with a password or an e-mail would be neither guest nor member."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_guest(request.user):
            messages.info(request, "Sign up first; everything you reacted to and saved is kept.")
            return redirect("account_signup")
        if request.method == "POST" and not request.user.is_authenticated:
            # A password that was changed by the press before, for one, has ended the session of this one.
            messages.info(request, "This press changed nothing: log in, and see whether it was done before.")
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


def _or_nothing_is_left(view: View) -> View:
    """Tell who presses Delete and has no account, or none any more, that nothing is left to delete."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not request.user.is_authenticated:
            messages.info(request, "Nothing was deleted now: you are not logged in, or it was done before.")
            return SeeOther("/")
        return view(request, *args, **kwargs)

    return wrapped


@require_http_methods(["GET", "HEAD", "POST"])
@_or_nothing_is_left
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
