"""Django's templates, which let go of what they were given once the page is there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.backends.django import DjangoTemplates, Template, reraise
from django.template.context import make_context
from django.utils.safestring import SafeString


class ReleasingTemplate(Template):
    """A template whose context is empty afterwards.

    Django's refers to itself (`ContextDict.context`), so that what a view passed, a feed's arrays over the
    whole catalogue, would lie about until Python next looks for garbage.
    """

    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
        """Return the text; where that fails, the context stays for who looks into the error."""
        filled = make_context(context, request, autoescape=self.backend.engine.autoescape)
        try:
            text = self.template.render(filled)
        except TemplateDoesNotExist as error:
            reraise(error, self.backend)
        filled.dicts.clear()
        return text


class Templates(DjangoTemplates):
    """The backend for the settings."""

    def from_string(self, template_code: str) -> ReleasingTemplate:
        """Compile a text."""
        return ReleasingTemplate(self.engine.from_string(template_code), self)

    def get_template(self, template_name: str) -> ReleasingTemplate:
        """Find a template by its name."""
        return ReleasingTemplate(super().get_template(template_name).template, self)
