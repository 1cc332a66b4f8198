"""The catalogue's part of the REST API; nostrade_site/api_urls.py includes it."""

from rest_framework.routers import SimpleRouter

from catalog.api import ItemViewSet

router = SimpleRouter(use_regex_path=False)
router.register("items", ItemViewSet, basename="item")
urlpatterns = router.urls
