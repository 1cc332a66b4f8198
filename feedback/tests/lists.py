"""How a person brings a list: what the tests of importing share."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from feedback.history import history_of
from feedback.models import ListImport

UPLOAD = reverse("feedback:list_upload")


def upload(client, text, name="list.csv"):
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(UPLOAD, {"list": SimpleUploadedFile(name, data)})


def table(*lines):
    return "title,score,status,date\n" + "\n".join(lines)


def preview(client, text):
    response = upload(client, text)
    assert response.status_code == 303, response.content.decode()
    return ListImport.objects.latest("id")


def act(client, list_import, action="confirm", **data):
    return client.post(reverse(f"feedback:list_{action}", args=[list_import.pk]), data)


def bring(client, text, **data):
    list_import = preview(client, text)
    act(client, list_import, **data)
    list_import.refresh_from_db()
    return list_import


def said(user):
    return {reaction.anime_id: reaction.feedback_type for reaction in history_of(user).reactions}
