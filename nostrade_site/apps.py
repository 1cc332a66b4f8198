from django.apps import AppConfig


class NostradeSiteConfig(AppConfig):
    name = "nostrade_site"
    verbose_name = "Nostrade"

    def ready(self) -> None:
        from nostrade_site import checks, reporting, task_metrics  # noqa: F401, PLC0415 - settings first

        reporting.start()
