from django.urls import path

from recommender import atlas, reasons, views

app_name = "recommender"
urlpatterns = [
    path("", views.feed, name="feed"),
    path("keep/", views.keep, name="keep"),
    path("start/", views.start, name="start"),
    path("title/<int:anime_id>/", views.title, name="title"),
    path("why/<int:anime_id>/", reasons.why_page, name="why"),
    path("why-not/", reasons.why_not, name="why_not"),
    path("ignored/<int:anime_id>/", reasons.ignore, name="ignore"),
    path("ignored/<int:anime_id>/count/", reasons.count, name="count"),
    path("map/", atlas.map_page, name="map"),
    path("map/causes/<int:anime_id>/", atlas.map_causes, name="map_causes"),
    path("map/<slug:version>.json", atlas.map_points, name="map_points"),
    path("map/<slug:version>/region/", atlas.map_region, name="map_region"),
    path("profile/", views.profile, name="profile"),
    path("preferences/", views.preferences, name="preferences"),
]
