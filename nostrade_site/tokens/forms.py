from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from nostrade_site.tokens.models import MOST_TOKENS, ApiToken

SAME_PRESS = timedelta(minutes=1)  # within which the same token again is a second press of the button


class TokenForm(forms.ModelForm):
    """A label and at least one scope; validate it while the owner's row is held."""

    class Meta:
        model = ApiToken
        fields = ("label", "reads", "writes", "scores")
        help_texts = {
            "label": "Only you see it: “backup script”, “shortcut on my phone”.",
            "reads": "See your recommendations, reactions, saved and dismissed titles.",
            "writes": "React, save, dismiss, and take that back.",
            "scores": "Rank titles for many histories at once; they are not stored.",
        }
        widgets = {"label": forms.TextInput(attrs={"autocomplete": "off"})}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not any(given.get(scope) for scope in ("reads", "writes", "scores")):
            raise forms.ValidationError("Choose at least one thing that the token may do.", code="no_scope")
        owner = self.instance.user
        since = timezone.now() - SAME_PRESS
        if "label" in given and ApiToken.objects.of(owner).filter(created_at__gte=since, **given).exists():
            raise forms.ValidationError(
                f"“{given['label']}” was made a moment ago, so this press made no second one. Where you did"
                " not get to copy its secret, revoke it and make it again.",
                code="made_already",
            )
        if ApiToken.objects.of(owner).count() >= MOST_TOKENS:
            raise forms.ValidationError(
                f"You have {MOST_TOKENS} tokens, and that is the most: revoke one that is not used any more."
            )
        return given
