from __future__ import annotations

from django import forms
from django.contrib.auth.models import AbstractBaseUser

from feedback.models import Person
from feedback.teaching import let_teach, teaches
from recommender.models import Preferences, preferences_of


class PreferencesForm(forms.ModelForm):
    teaches = forms.BooleanField(
        label="Let my reactions improve the recommendations",
        required=False,
        help_text="Every night the model learns from what people say here, without their names. Switched off,"
        " your reactions rank your own feed and nothing else, from the next night on.",
    )

    class Meta:
        model = Preferences
        fields = ("wildcards", "show_adult")

    @classmethod
    def of(cls, user: Person) -> PreferencesForm:
        """Show what `user` chose so far."""
        return cls(instance=preferences_of(user), initial={"teaches": teaches(user)})

    def save_for(self, user: AbstractBaseUser) -> None:
        """Store the preferences as those of `user`, who may not have had any yet."""
        chosen = {name: self.cleaned_data[name] for name in self.Meta.fields}
        Preferences.objects.update_or_create(user_id=user.pk, defaults=chosen)
        let_teach(user, allowed=self.cleaned_data["teaches"])
