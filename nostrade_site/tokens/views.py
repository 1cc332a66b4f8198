"""The page on which a member makes tokens, sees when they were last used, and revokes them."""

from __future__ import annotations

from typing import cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from feedback.models.events import serialise
from feedback.redirects import SeeOther
from feedback.refusals import RefusedError, explains_refusals
from nostrade_site.accounts.views import members_only
from nostrade_site.tokens.forms import TokenForm
from nostrade_site.tokens.models import ApiToken


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@members_only
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """List the member's tokens; asked to, make one. Its secret is in that one answer and nowhere else."""
    owner, secret, status = cast(User, request.user), "", 200
    form = TokenForm(request.POST or None, instance=ApiToken(user=owner))
    if request.method == "POST":
        with transaction.atomic():
            serialise(owner.pk)  # a second press waits for the first, and sees what that made
            if form.is_valid():
                secret, status = form.instance.issue(owner), 201
            else:
                status = 409 if form.has_error(NON_FIELD_ERRORS, "made_already") else 400
    context = {"form": form, "secret": secret, "made": form.instance, "tokens": ApiToken.objects.of(owner)}
    return render(request, "tokens/tokens.html", context, status=status)


@require_POST
@login_required
@members_only
@explains_refusals
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the member's own tokens, at once and for good."""
    token = ApiToken.objects.of(request.user).filter(pk=pk).first()
    if token is None:
        raise RefusedError(404, "There is no such token of yours: it was revoked, or is somebody else’s.")
    token.delete()
    messages.success(request, f"Revoked “{token.label}”. Programs that use it are shut out.")
    return SeeOther(resolve_url("tokens"))
