from django.apps import AppConfig


class NostradeSiteConfig(AppConfig):
    name = "nostrade_site"
    verbose_name = "Nostrade"
