"""A take can be blocked by what it was found to show."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("takes", "0001_initial")]
    operations = [
        migrations.AlterField(
            "take",
            "state",
            models.CharField(
                choices=[("released", "Released"), ("in_review", "In review"), ("blocked", "Blocked")],
                default="released",
                max_length=20,
            ),
        ),
        migrations.RemoveConstraint("take", "take_state_known"),
        migrations.AddConstraint(
            "take",
            models.CheckConstraint(
                condition=models.Q(state__in=["released", "in_review", "blocked"]), name="take_state_known"
            ),
        ),
    ]
