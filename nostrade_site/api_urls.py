"""The REST API, version 1: each app brings its own routes."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("recommender.api_urls")),
    path("", include("feedback.api_urls")),
    path("", include("catalog.api_urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
]
