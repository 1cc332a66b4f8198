from django.urls import path

from recommender import api

urlpatterns = [
    path("recommendations/", api.recommendations, name="recommendations"),
]
