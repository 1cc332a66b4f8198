from django.apps import AppConfig, apps
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

    def ready(self) -> None:
        """Call Django's own accounts what all other pages call them."""
        super().ready()
        accounts = apps.get_app_config("auth")
        accounts.verbose_name = "People and groups"
        words = accounts.get_model("User")._meta
        words.verbose_name, words.verbose_name_plural = "person", "people"
