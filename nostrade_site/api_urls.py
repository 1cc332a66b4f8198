"""The REST API, version 1: each app brings its own routes."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from nostrade_site.api import Me, Nowhere, export

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("recommender.api_urls")),
    path("", include("feedback.api_urls")),
    path("", include("catalog.api_urls")),
    path("me/", Me.as_view(), name="me"),
    path("me/export/", export, name="export"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    re_path("", Nowhere.as_view(), name="nowhere"),
]
