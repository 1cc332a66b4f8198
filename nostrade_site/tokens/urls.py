from django.urls import path

from nostrade_site.tokens.views import revoke, tokens

urlpatterns = [
    path("", tokens, name="tokens"),
    path("<int:pk>/revoke/", revoke, name="token_revoke"),
]
