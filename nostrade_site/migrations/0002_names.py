import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('nostrade_site', '0001_backups'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountName',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='account_name', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('key', models.CharField(max_length=255, unique=True)),
            ],
            options={
                'verbose_name': 'name as it is compared',
                'verbose_name_plural': 'names as they are compared',
                'default_permissions': (),
            },
        ),
    ]
