"""The REST API, version 1: each app brings its own routes."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
]
