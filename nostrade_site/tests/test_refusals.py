"""Requests that Django refuses before any view of ours sees them."""

from django.test import Client


def test_a_foreign_host_name_is_refused_with_a_page(db):
    answer = Client(raise_request_exception=False).get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert b"Nostrade" in answer.content
