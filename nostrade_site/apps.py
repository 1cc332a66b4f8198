from django.apps import AppConfig


class NostradeSiteConfig(AppConfig):
    name = "nostrade_site"
    verbose_name = "Nostrade"

    def ready(self) -> None:
        from nostrade_site import checks  # noqa: F401, PLC0415 - importing registers them; settings must be read
