"""Keeps with each take which key marked it and what was measured of its mark, and counts recent questions about
clips."""

from django.db import migrations, models

import studio.ids


class Migration(migrations.Migration):
    dependencies = [("credentials", "0002_publish_only_when_proven")]

    operations = [
        migrations.AddField(
            model_name="watermarkrecord",
            name="key_epoch",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="watermarkrecord",
            name="profile",
            field=models.CharField(default="clean", max_length=10),
        ),
        migrations.AddField(
            model_name="watermarkrecord", name="certificate", field=models.JSONField(default=dict)
        ),
        migrations.AddField(model_name="watermarkrecord", name="strip", field=models.JSONField(default=list)),
        migrations.AddConstraint(
            model_name="watermarkrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("key_epoch__gte", 1)), name="watermark_key_epoch_from_one"
            ),
        ),
        migrations.CreateModel(
            name="ClipQuery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=studio.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("caller", models.CharField(blank=True, max_length=64)),
                ("asked_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "clip queries",
                "indexes": [models.Index(fields=["caller", "asked_at"], name="clipquery_by_caller")],
            },
        ),
    ]
