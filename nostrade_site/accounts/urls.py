"""The account pages that treat guests differently; they stand before allauth's own, under the same names."""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from nostrade_site.accounts.views import ConfirmEmailView, LoginView, SignupView, delete, members_only

urlpatterns = [
    path("signup/", SignupView.as_view(), name="account_signup"),
    path("login/", LoginView.as_view(), name="account_login"),
    path("delete/", delete, name="account_delete"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", ConfirmEmailView.as_view(), name="account_confirm_email"),
    path("email/", members_only(allauth_views.email), name="account_email"),
    path("reauthenticate/", members_only(allauth_views.reauthenticate), name="account_reauthenticate"),
    path("password/change/", members_only(allauth_views.password_change), name="account_change_password"),
    path("password/set/", members_only(allauth_views.password_set), name="account_set_password"),
]
