from django.urls import path

from feedback import api

urlpatterns = [
    path("events/", api.EventList.as_view(), name="events"),
    path("events/<int:event_id>/", api.EventDetail.as_view(), name="event"),
    path("saved/", api.SavedList.as_view(), name="saved-list"),
    path("saved/<int:anime_id>/", api.SavedDetail.as_view(), name="saved"),
]
