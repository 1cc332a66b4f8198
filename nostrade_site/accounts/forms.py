"""allauth's forms, within bounds."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from django.core.validators import MaxLengthValidator

LONGEST_LOGIN = 320  # characters of an e-mail address; a name has 150


class LoginForm(forms.LoginForm):
    """Log in by name or address: no longer than one of them can be, which the database is asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.widget.attrs["maxlength"] = str(LONGEST_LOGIN)
        login.validators.append(MaxLengthValidator(LONGEST_LOGIN, "This is neither a name nor an address."))
