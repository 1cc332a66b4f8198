"""REST: what a person does not want to be shown, though they said nothing for or against it."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Item
from catalog.rest import Tagged
from feedback.api import NewestMade, person, visible_item
from feedback.models import Dismissal

KIND = OpenApiParameter(
    "kind",
    {"type": "string", "enum": Dismissal.Kind.values},
    OpenApiParameter.PATH,
    description="seen hides a title for good, not-now for a time, franchise all titles of its franchise.",
)


class DismissalSerializer(serializers.ModelSerializer[Dismissal]):
    anime_id = serializers.IntegerField(source="item_id", read_only=True)

    class Meta:
        model = Dismissal
        fields = ["anime_id", "kind", "created_at", "until"]
        read_only_fields = fields


@extend_schema_view(get=extend_schema(operation_id="list_dismissals"))
class DismissalList(Tagged, generics.ListAPIView[Dismissal]):
    """What hides something now, newest first; a title of `not-now` is back when its time is over."""

    serializer_class = DismissalSerializer
    pagination_class = NewestMade
    queryset = Dismissal.objects.none()

    def get_queryset(self) -> QuerySet[Dismissal]:
        return Dismissal.objects.of(person(self.request)).standing()


class DismissalDetail(generics.GenericAPIView[Dismissal]):
    serializer_class = DismissalSerializer
    queryset = Dismissal.objects.none()

    @extend_schema(operation_id="dismiss", parameters=[KIND], request=None)
    def put(self, request: Request, anime_id: int, kind: str) -> Response:
        """Hide a title, or its franchise; saying `not-now` again begins its time anew."""
        item = visible_item(request, anime_id)
        dismissal = Dismissal.objects.dismiss(person(request), item, _kind(kind))
        return Response(self.get_serializer(dismissal).data)

    @extend_schema(operation_id="undismiss", parameters=[KIND], responses={204: None})
    def delete(self, request: Request, anime_id: int, kind: str) -> Response:
        """Show a title, or its franchise, again; where it was not hidden, nothing changes."""
        item = Item.objects.meant_by(anime_id)
        said = _kind(kind)
        if item is not None:  # also one that was hidden by the site since
            Dismissal.objects.of(person(request)).about(item, said).lift()
        return Response(status=status.HTTP_204_NO_CONTENT)


def _kind(kind: str) -> Dismissal.Kind:
    """Read the kind in the address."""
    try:
        return Dismissal.Kind(kind)
    except ValueError:
        kinds = ", ".join(Dismissal.Kind.values)
        raise NotFound(f"There is no kind of dismissal of that name: use one of {kinds}.") from None
