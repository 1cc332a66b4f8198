"""The admin's pages for titles as CSV: upload, preview, confirm; and a download of what is listed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.models import ADDITION, CHANGE
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from import_export.admin import ImportExportMixin
from import_export.forms import ConfirmImportForm, ImportForm
from import_export.tmp_storages import CacheStorage

from catalog.changes import log
from catalog.models import Item
from catalog.reading import FileProblem
from catalog.sheets import MOST_LINES, TitleResource, TitlesCSV, new_and_changed

MEGABYTES = 4
SHOWN = 200  # changes on the preview; all of them are carried out


class UploadForm(ImportForm):
    """A file; everything else about it is known."""

    import_file = forms.FileField(label="CSV file", widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("format", "resource"):
            self.fields[name].required = False
            self.fields[name].widget = forms.HiddenInput()

    def clean_format(self) -> str:
        return "0"

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > MEGABYTES << 20:
            raise forms.ValidationError(f"This file is larger than {MEGABYTES} MB: split it.")
        return file


class ConfirmForm(ConfirmImportForm):
    """The name of the upload that was previewed; there is one format and one kind of table."""

    def clean_format(self) -> str:
        return "0"

    def clean_resource(self) -> str:
        return "0"


class Kept(CacheStorage):
    """An upload between its preview and its confirmation, wherever the next request is answered."""

    CACHE_LIFETIME = 60 * 60
    CACHE_PREFIX = "titles-import-"


class TitleTransfer(ImportExportMixin):
    """Import with a preview, and export, for those who may add, change and see titles."""

    resource_classes = [TitleResource]
    formats = [TitlesCSV]
    import_form_class = UploadForm
    confirm_form_class = ConfirmForm
    import_template_name = "admin/catalog/item/import.html"
    import_export_change_list_template = "admin/catalog/item/change_list.html"
    tmp_storage_class = Kept
    skip_export_form = True

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        titles: QuerySet[Item] = super().get_export_queryset(request)
        return titles.select_related("franchise").prefetch_related("genres")

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """Write what is listed; where an address asks for a filter that there is not, go back to the list."""
        try:
            return super().export_action(request)  # type: ignore[no-any-return]
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            messages.error(request, "There is no such filter, so nothing was exported: choose one here.")
            return redirect("admin:catalog_item_changelist")

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show what a file would change; one that is far too large was not even read."""
        if request.method == "POST" and not request.FILES and getattr(request, "upload_too_large", False):
            messages.error(request, f"This file is larger than {settings.LIST_UPLOAD_MB} MB: split it.")
            return redirect("admin:catalog_item_import")
        return super().import_action(request, **kwargs)  # type: ignore[no-any-return]

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"most": MOST_LINES, "shown": SHOWN, "columns": TitleResource._meta.fields}

    def add_data_read_fail_error_to_form(self, form: forms.Form, error: Exception) -> None:
        if not isinstance(error, FileProblem):
            raise error
        form.add_error("import_file", str(error))

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Carry a previewed import out; one that does not hold any more changes nothing, and says why."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:catalog_item_import")
        try:
            response = super().process_import(request, **kwargs)
        except FileProblem as problem:
            messages.error(request, str(problem))
            return redirect("admin:catalog_item_import")
        return response  # type: ignore[no-any-return]

    def process_dataset(self, dataset: Any, form: forms.Form, request: HttpRequest, **kwargs: Any) -> Any:
        resource = TitleResource()
        return resource.import_data(dataset, dry_run=False, rollback_on_validation_errors=True)

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        if result.has_errors() or result.has_validation_errors():
            said = "The catalogue has changed since the preview, and nothing was imported: look at it again."
            messages.error(request, said)
            return redirect("admin:catalog_item_import")
        for is_new, flag in ((True, ADDITION), (False, CHANGE)):
            told = [(item, f"Imported. {words}") for item, new, words in result.changes if new is is_new]
            log(request.user, told, flag)
        created, updated = new_and_changed(result.changes)
        messages.success(request, f"Imported: {created} new, {updated} changed.")
        return redirect(reverse("admin:catalog_item_changelist"))
