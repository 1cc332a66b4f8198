from django.urls import include, path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("feedback/<int:anime_id>/", views.react, name="react"),
    path("feedback/undo/<int:event_id>/", views.undo, name="undo"),
    path("dismissed/<int:anime_id>/", views.dismiss, name="dismiss"),
    path("saved/<int:anime_id>/", views.save, name="save"),
    path("saved/", views.saved, name="saved"),
    path("activity/", views.activity, name="activity"),
    path("lists/", include("feedback.lists.urls")),
]
