from django.apps import AppConfig
from django.contrib.admin import apps as admin


class NostradeSiteConfig(AppConfig):
    default = True
    name = "nostrade_site"
    verbose_name = "Nostrade"

    def ready(self) -> None:
        from nostrade_site import checks, reporting, task_metrics  # noqa: F401, PLC0415 - settings first

        reporting.start()


class NostradeAdminConfig(admin.AdminConfig):
    default = False
    default_site = "nostrade_site.admin_site.NostradeAdmin"
