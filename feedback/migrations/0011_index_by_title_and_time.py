from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def where_able(concurrent: Any, plain: Any) -> Any:
    """Return an operation that blocks no writer where the database can do that (PostgreSQL)."""

    class Operation(concurrent):
        def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
            _fitting(schema_editor).database_forwards(self, app_label, schema_editor, *states)

        def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
            _fitting(schema_editor).database_backwards(self, app_label, schema_editor, *states)

    def _fitting(schema_editor: Any) -> Any:
        return concurrent if schema_editor.connection.vendor == "postgresql" else plain

    return Operation


AddIndex = where_able(AddIndexConcurrently, migrations.AddIndex)
RemoveIndex = where_able(RemoveIndexConcurrently, migrations.RemoveIndex)


class Migration(migrations.Migration):
    atomic = False  # an index cannot be made beside writers within a transaction

    dependencies = [("feedback", "0010_last_networks")]

    operations = [
        AddIndex(
            model_name="event",
            index=models.Index(fields=["user", "item", "timestamp", "id"], name="event_about_title_in_time"),
        ),
        RemoveIndex(model_name="event", name="event_about_title"),
    ]
