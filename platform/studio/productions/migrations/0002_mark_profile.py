"""Lets a production choose how strongly its takes are marked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("productions", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="production",
            name="mark_profile",
            field=models.CharField(
                choices=[
                    ("clean", "Clean: picture quality first"),
                    ("robust", "Robust: survives stronger compression"),
                    ("archive", "Archive: survives the strongest compression"),
                ],
                default="clean",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="production",
            constraint=models.CheckConstraint(
                condition=models.Q(("mark_profile__in", ["clean", "robust", "archive"])),
                name="production_mark_profile_known",
            ),
        ),
    ]
