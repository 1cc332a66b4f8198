from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0001_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='apitoken',
            name='password_mark',
            field=models.CharField(db_default='', default='', editable=False, max_length=64),
        ),
    ]
