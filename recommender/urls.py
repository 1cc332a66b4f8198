from django.urls import path

from recommender import views

app_name = "recommender"
urlpatterns = [
    path("", views.feed, name="feed"),
    path("keep/", views.keep, name="keep"),
    path("start/", views.start, name="start"),
    path("title/<int:anime_id>/", views.title, name="title"),
    path("preferences/", views.preferences, name="preferences"),
]
