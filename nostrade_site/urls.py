"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from nostrade_site.accounts.views import staff_login
from nostrade_site.api_docs import api_docs
from nostrade_site.health import healthz, readyz
from nostrade_site.metrics import metrics
from nostrade_site.policy import privacy

handler400 = "nostrade_site.errors.bad_request"
handler404 = "nostrade_site.errors.not_found"
handler500 = "nostrade_site.errors.server_error"
admin.site.login = staff_login  # type: ignore[method-assign]  # Django's own lets anybody guess on for ever
urlpatterns = [
    path("", include("recommender.urls")),
    path("", include("catalog.urls")),
    path("", include("feedback.urls")),
    path("accounts/", include("nostrade_site.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("tokens/", include("nostrade_site.tokens.urls")),
    path("api/docs/", api_docs, name="api_docs"),
    path("api/v1/", include("nostrade_site.api_urls")),
    path("admin/", admin.site.urls),
    path("privacy/", privacy, name="privacy"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("favicon.ico", RedirectView.as_view(url="/static/img/favicon.svg", permanent=True)),
]
