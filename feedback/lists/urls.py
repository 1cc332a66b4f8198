from django.urls import path

from feedback.lists import views

urlpatterns = [
    path("", views.lists, name="lists"),
    path("import/", views.upload, name="list_upload"),
    path("import/<int:pk>/", views.show, name="list_import"),
    path("import/<int:pk>/confirm/", views.confirm, name="list_confirm"),
    path("import/<int:pk>/discard/", views.discard, name="list_discard"),
    path("import/<int:pk>/undo/", views.undo, name="list_undo"),
    path("import/<int:pk>/resume/", views.resume, name="list_resume"),
    path("nostrade.json", views.export_json, name="export_json"),
    path("nostrade.csv", views.export_csv, name="export_csv"),
    path("nostrade.xml", views.export_mal, name="export_mal"),
]
