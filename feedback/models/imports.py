"""Lists that people brought from elsewhere."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from feedback.models.people import Person


class ListImportQuerySet(models.QuerySet["ListImport"]):
    def of(self, user: Person) -> ListImportQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def without_rows(self) -> ListImportQuerySet:
        """Leave the rows and the file in the database: they are megabytes, and most pages need none."""
        return self.defer("rows", "file")

    def waiting(self) -> ListImportQuerySet:
        """Keep those whose file is still to be read."""
        return self.filter(state=ListImport.State.READING)


class ListImport(models.Model):
    """One uploaded list: first a preview, then a part of the log that can be taken back as one.

    `rows` (of `feedback.lists.rows.Row`) are kept for LIST_DAYS; then an import that was never confirmed
    goes, and of the others the rows. The `file` of a long list is kept until it is read.
    """

    class Source(models.TextChoices):
        MAL = "mal", "MyAnimeList"
        ANILIST = "anilist", "AniList"
        CSV = "csv", "CSV"

    class State(models.TextChoices):
        READING = "reading"  # the file is there, and nothing is known of what it holds
        REFUSED = "refused"  # it could not be read; `sentence` says why
        MATCHING = "matching"  # the titles are being looked up
        READY = "ready"  # a preview; nothing was written
        WRITING = "writing"
        DONE = "done"
        UNDOING = "undoing"
        UNDONE = "undone"

    BUSY: ClassVar = {State.READING, State.MATCHING, State.WRITING, State.UNDOING}
    DISCARDABLE: ClassVar = {State.READING, State.REFUSED, State.READY}

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_imports")
    source = models.CharField(max_length=10, choices=Source.choices)  # "" until it is read
    file_name = models.CharField(max_length=255, blank=True)
    scale = models.CharField(max_length=30)  # how its scores were read, in words
    state = models.CharField(max_length=10, choices=State.choices, default=State.MATCHING)
    overrules = models.BooleanField(default=False)  # where the list and the person disagree, the list wins
    rows = models.JSONField(default=list)
    digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001  (older rows have none)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)  # rows of the present state's work
    counts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    touched_at = models.DateTimeField(default=timezone.now)  # the last sign of its worker
    file = models.BinaryField(null=True)  # as it was uploaded
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)  # at reading it
    read_until = models.DateTimeField(null=True, blank=True)  # a worker is at it until then
    sentence = models.TextField(blank=True, default="", db_default="")

    objects = ListImportQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["state", "touched_at"], name="list_import_by_state")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="list_import_known_state",
                condition=models.Q(
                    state__in=[
                        "reading",
                        "refused",
                        "matching",
                        "ready",
                        "writing",
                        "done",
                        "undoing",
                        "undone",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="list_import_done_within_total", condition=models.Q(done__lte=models.F("total"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display() or 'Unread'} list of {self.user}"

    def get_absolute_url(self) -> str:
        return reverse("feedback:list_import", args=[self.pk])

    @property
    def is_unread(self) -> bool:
        return self.state == self.State.READING

    @property
    def is_busy(self) -> bool:
        """Say whether a worker has something left to do."""
        return self.state in self.BUSY
