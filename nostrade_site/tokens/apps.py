from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "nostrade_site.tokens"
    label = "tokens"
    verbose_name = "API tokens"
