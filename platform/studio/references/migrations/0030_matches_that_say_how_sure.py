"""Matches say how they were found, how sure they are, and everything that follows from."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("references", "0020_keys_of_sounds"), ("takes", "0002_blocked_takes")]
    operations = [
        migrations.AddField("work", "compared_at", models.DateTimeField(db_index=True, null=True)),
        migrations.AddField(
            "match",
            "method",
            models.CharField(
                choices=[("frames", "Whole pictures"), ("features", "Parts of pictures"), ("sound", "Sound")],
                default="frames",
                max_length=10,
            ),
        ),
        migrations.AddField("match", "is_mirrored", models.BooleanField(default=False)),
        migrations.AddField("match", "probability", models.FloatField(default=1.0)),
        migrations.AddField(
            "match",
            "outcome",
            models.CharField(
                choices=[("clear", "Clear"), ("review", "For review"), ("block", "Blocks")],
                default="review",
                max_length=8,
            ),
        ),
        migrations.AddField("match", "segment", models.JSONField(default=dict)),
        migrations.AddField("match", "thresholds", models.JSONField(default=dict)),
        migrations.AddField("match", "calibration", models.JSONField(default=dict)),
        migrations.AddField("match", "is_retroactive", models.BooleanField(default=False)),
        migrations.AddConstraint(
            "match",
            models.CheckConstraint(
                condition=Q(outcome__in=["clear", "review", "block"]), name="match_outcome_known"
            ),
        ),
        migrations.AddConstraint(
            "match",
            models.CheckConstraint(
                condition=Q(method__in=["frames", "features", "sound"]), name="match_method_known"
            ),
        ),
        migrations.AddConstraint(
            "match",
            models.CheckConstraint(
                condition=Q(probability__gte=0.0, probability__lte=1.0), name="match_probability_is_one"
            ),
        ),
    ]
