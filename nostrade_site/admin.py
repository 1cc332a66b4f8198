"""People in the admin: who they are to the site, never their passwords; switched off, or deleted for good."""

from __future__ import annotations

from typing import Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth import admin as _  # noqa: F401  # registers its own page now, not after ours
from django.contrib.auth.models import User
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html

from catalog.admin.history import TellsChanges
from catalog.changes import log
from feedback.guests import GUEST_PREFIX, is_guest, short_name
from feedback.models import Event, Saved
from nostrade_site.accounts.addresses import take_from_others
from nostrade_site.accounts.deleting import delete_account

GUESTS = Q(username__startswith=GUEST_PREFIX)
ROLES = ("is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister([User, EmailAddress])


class KindFilter(admin.SimpleListFilter):
    title = "who they are"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("guest", "Guests"), ("member", "Members"), ("staff", "Staff")]

    def queryset(self, request: HttpRequest, people: QuerySet[User]) -> QuerySet[User]:
        kinds = {"guest": GUESTS, "member": ~GUESTS, "staff": Q(is_staff=True)}
        return people.filter(kinds[asked]) if (asked := self.value()) in kinds else people


@admin.register(User)
class PersonAdmin(TellsChanges):
    """Rows come from signing up; what is here to decide is who may work here, and who may not come in."""

    list_display = ("name", "kind", "joined", "seen", "reactions", "standing")
    list_filter = (KindFilter, "is_active", "date_joined")
    search_fields = ("username", "email")
    search_help_text = "A name or an address."
    ordering = ("-date_joined", "-pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("switch_off", "switch_on")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("username", "email", "is_active")}),
        ("What they did", {"fields": ("kind", "joined", "seen", "reactions", "saved")}),
        ("What they may do here", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Count for the people of one page only: the columns are subqueries over the log's indexes."""
        said = Event.objects.filter(user=OuterRef("pk"))
        count = said.standing().order_by().values("user").annotate(n=Count("pk")).values("n")
        last = said.order_by("-timestamp", "-id").values("timestamp")[:1]
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(
            n_reactions=Coalesce(Subquery(count), 0),
            seen_at=Greatest(Coalesce("last_login", "date_joined"), Coalesce(Subquery(last), "date_joined")),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let superusers alone say who may do what: whoever could give rights would have them all."""
        always = ("username", "email", "kind", "joined", "seen", "reactions", "saved")
        return always if request.user.is_superuser else (*always, *ROLES)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes themselves here: their own account page does that, with their password."""
        return super().has_delete_permission(request, obj) and _in_reach(request, obj) and obj != request.user

    @admin.display(description="who")
    def kind(self, person: User) -> str:
        if is_guest(person):
            return "Guest"
        return "Superuser" if person.is_superuser else "Staff" if person.is_staff else "Member"

    @admin.display(description="name", ordering="username")
    def name(self, person: User) -> str:
        return short_name(person)

    @admin.display(description="joined", ordering="date_joined")
    def joined(self, person: User) -> str:
        return date_format(person.date_joined)

    @admin.display(description="last seen")
    def seen(self, person: User) -> str:
        return naturaltime(person.seen_at)  # type: ignore[attr-defined]

    @admin.display(description="reactions")
    def reactions(self, person: User) -> int:
        return person.n_reactions  # type: ignore[attr-defined,no-any-return]

    @admin.display(description="saved")
    def saved(self, person: User) -> int:
        return Saved.objects.of(person).count()

    @admin.display(description="standing", empty_value="")
    def standing(self, person: User) -> str | None:
        return (
            None
            if person.is_active
            else format_html('<span class="mark mark--failed">{}</span>', "Switched off")
        )

    @admin.action(description="Switch off: they cannot log in, and teach nothing", permissions=["change"])
    def switch_off(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self._switch(request, people, on=False)

    @admin.action(description="Switch on again", permissions=["change"])
    def switch_on(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self._switch(request, people, on=True)

    def _switch(self, request: HttpRequest, people: QuerySet[User], *, on: bool) -> None:
        chosen = User.objects.filter(pk__in=people.values("pk"), is_active=not on)
        changing = [person for person in chosen if person != request.user and _in_reach(request, person)]
        User.objects.filter(pk__in=[person.pk for person in changing]).update(is_active=on)
        words = "Active: no → yes." if on else "Active: yes → no."
        log(request.user, [(person, words) for person in changing])
        plural = "account is" if len(changing) == 1 else "accounts are"
        said = f"{len(changing)} {plural} now switched {'on' if on else 'off'}."
        self.message_user(request, said, messages.SUCCESS)

    def get_deleted_objects(
        self, people: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Say whom and how much, without reading it: all of it goes, whoever may see which part."""
        chosen = list(people)
        told = [f"{person}, with everything they said, saved and were shown" for person in chosen]
        refused = [str(person) for person in chosen if not self.has_delete_permission(request, person)]
        n_events = Event.objects.filter(user__in=[person.pk for person in chosen]).count()
        return told, {"people": len(chosen), "reactions": n_events}, set(), refused

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        delete_account(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            if self.has_delete_permission(request, person):
                delete_account(person.pk)


@admin.register(EmailAddress)
class AddressAdmin(EmailAddressAdmin):
    """allauth's page, by which a superuser confirms addresses too, with what follows from that."""

    def save_model(self, request: HttpRequest, obj: EmailAddress, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        super().save_model(request, obj, form, change)
        if obj.verified:
            take_from_others(obj)

    @admin.action(description="Confirm, and take from other accounts that claim them", permissions=["change"])
    def make_verified(self, request: HttpRequest, queryset: QuerySet[EmailAddress]) -> None:
        super().make_verified(request, queryset)
        for address in queryset.filter(verified=True):
            take_from_others(address)


def _in_reach(request: HttpRequest, person: User | None) -> bool:
    """Say whether somebody may touch an account: those who work here are a superuser's concern."""
    reached = person is None or not (person.is_staff or person.is_superuser)
    return bool(reached or request.user.is_superuser)
