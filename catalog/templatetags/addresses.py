"""`{% load addresses %}{% address 'feedback:react' item.pk %}`: as `{% url %}`, of titles, and sooner."""

from django import template

from catalog.addresses import address_of

register = template.Library()
register.simple_tag(address_of, name="address")
