"""A client generated from the API's own document, as others would, used on a site that runs."""

import importlib
import subprocess
import sys

import pytest
from django.core.management import call_command

from catalog.tests.factories import ItemFactory
from feedback.models import Event
from feedback.tests.factories import UserFactory
from nostrade_site.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_ranker")]
PACKAGE = "nostrade_client"


@pytest.fixture
def generated(tmp_path, monkeypatch):
    """Generate the client; return how to import a part of it, and what the generator said."""
    document, settings = tmp_path / "openapi.yaml", tmp_path / "settings.yaml"
    call_command("spectacular", file=str(document), validate=True, fail_on_warn=True)
    settings.write_text("post_hooks: []\n")
    target = ("--path", str(document), "--output-path", str(tmp_path / PACKAGE), "--config", str(settings))
    outcome = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", *target],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    monkeypatch.syspath_prepend(tmp_path)
    yield (lambda part: importlib.import_module(f"{PACKAGE}.{part}")), outcome.stdout + outcome.stderr
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_it_works(generated, live_server):
    part, _ = generated
    user, item = UserFactory(), ItemFactory()
    token = ApiToken(label="client", writes=True).issue(user)
    models, client = part("models"), part("client").AuthenticatedClient(live_server.url, token)

    found = part("api.recommendations.get_recommendations").sync(client=client, k=1)
    assert [card.name for card in found.results] == [item.name]

    said = models.EventRequest(found.results[0].anime_id, models.Reaction.LOVE)
    made = part("api.events.react").sync(client=client, body=said, idempotency_key="once")
    assert isinstance(made, models.Event)
    assert Event.objects.get().user == user

    [read] = part("api.events.list_events").sync(client=client).results
    assert (read.id, read.anime_id, read.feedback_type) == (made.id, made.anime_id, models.Reaction.LOVE)

    taken_back = part("api.events.retract").sync_detailed(made.id, client=client)
    assert taken_back.status_code == 204
    assert part("api.events.list_events").sync(client=client).results == []

    unknown = models.EventRequest(999_999, models.Reaction.LIKE)
    problem = part("api.events.react").sync(client=client, body=unknown)
    assert isinstance(problem, models.Problem)
    assert problem.errors[0].field == "anime_id"


def test_only_the_stream_is_left_out(generated):
    _, said = generated
    assert said.count("Cannot parse response") == 1
    assert "Unsupported content_type application/x-ndjson" in said
