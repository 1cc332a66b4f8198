from __future__ import annotations

from django import forms
from django.contrib.auth.models import AbstractBaseUser

from recommender.models import Preferences


class PreferencesForm(forms.ModelForm):
    class Meta:
        model = Preferences
        fields = ("show_adult",)

    def save_for(self, user: AbstractBaseUser) -> Preferences:
        """Store the preferences as those of `user`, who may not have had any yet."""
        stored, _ = Preferences.objects.update_or_create(user_id=user.pk, defaults=self.cleaned_data)
        return stored
