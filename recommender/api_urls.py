from django.urls import path

from recommender import api, api_public, api_score

urlpatterns = [
    path("recommendations/", api.recommendations, name="recommendations"),
    path("items/<int:anime_id>/similar/", api_public.Similar.as_view(), name="similar"),
    path("checkpoints/", api_public.CheckpointList.as_view(), name="checkpoints"),
    path("score/", api_score.Score.as_view(), name="score"),
    path("score/batch/", api_score.ScoreBatch.as_view(), name="score-batch"),
]
