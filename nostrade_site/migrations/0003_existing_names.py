"""Give the names that are there their keys. No account is renamed, and everybody logs in as before."""

from django.db import migrations

from nostrade_site.accounts.identity import give_keys


def give(apps, schema_editor):
    give_keys(apps.get_model("auth", "User"), apps.get_model("nostrade_site", "AccountName"))


class Migration(migrations.Migration):
    atomic = False  # a batch is a transaction

    dependencies = [("nostrade_site", "0002_names")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop, elidable=True)]
