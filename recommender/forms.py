from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser

from feedback.models import Person
from feedback.teaching import let_teach, teaches
from recommender.models import Preferences, preferences_of
from recommender.zones import UTC_NAME, choices, is_zone

IN_WHICH_ZONE = "Dates on these pages are written in it; files that you take along say UTC."


class PreferencesForm(forms.ModelForm):
    teaches = forms.BooleanField(
        label="Let my reactions improve the recommendations",
        required=False,
        help_text="Every night the model learns from what people say here, without their names. Switched off,"
        " your reactions rank your own feed and nothing else, from the next night on.",
    )

    class Meta:
        model = Preferences
        fields = ("wildcards", "show_adult", "time_zone")

    def __init__(self, *args: Any, browsers_zone: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unset = f"As my browser says ({browsers_zone or UTC_NAME})"
        chosen = self.initial.get("time_zone", "")
        kept = [] if not chosen or is_zone(chosen) else [(chosen, f"{chosen} (unknown here)")]
        self.fields["time_zone"] = forms.ChoiceField(
            label="Time zone",
            choices=[("", unset), *kept, *choices()],
            required=False,
            help_text=IN_WHICH_ZONE,
        )

    @classmethod
    def of(cls, user: Person, browsers_zone: str = "") -> PreferencesForm:
        """Show what `user` chose so far."""
        return cls(
            instance=preferences_of(user), initial={"teaches": teaches(user)}, browsers_zone=browsers_zone
        )

    def save_for(self, user: AbstractBaseUser) -> None:
        """Store the preferences as those of `user`, who may not have had any yet."""
        chosen = {name: self.cleaned_data[name] for name in self.Meta.fields}
        Preferences.objects.update_or_create(user_id=user.pk, defaults=chosen)
        let_teach(user, allowed=self.cleaned_data["teaches"])
