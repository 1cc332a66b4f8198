"""Let the tokens that are there live as long as their owners' passwords of today.

One that the version before makes while it still serves has no mark, and has to be made again.
"""

from django.db import migrations

from nostrade_site.tokens.models import mark_of


def mark(apps, schema_editor):
    tokens = apps.get_model("tokens", "ApiToken").objects
    owners = tokens.filter(password_mark="").order_by().values_list("user_id", "user__password").distinct()
    for owner, password in list(owners):
        tokens.filter(user_id=owner, password_mark="").update(password_mark=mark_of(password))


class Migration(migrations.Migration):
    atomic = False  # an owner's tokens are a transaction

    dependencies = [("tokens", "0002_password_mark")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop, elidable=True)]
