from django.urls import path

from feedback import api, api_batches, api_dismissals

urlpatterns = [
    path("events/", api.EventList.as_view(), name="events"),
    path("events/batch/", api_batches.EventBatch.as_view(), name="event-batch"),
    path("events/<int:event_id>/", api.EventDetail.as_view(), name="event"),
    path("saved/", api.SavedList.as_view(), name="saved-list"),
    path("saved/<int:anime_id>/", api.SavedDetail.as_view(), name="saved"),
    path("dismissals/", api_dismissals.DismissalList.as_view(), name="dismissals"),
    path("dismissals/<int:anime_id>/<str:kind>/", api_dismissals.DismissalDetail.as_view(), name="dismissal"),
]
