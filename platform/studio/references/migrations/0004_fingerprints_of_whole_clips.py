"""Every row of a fingerprint names its algorithms; key frames, tracks and sound are kept beside the frames."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# Frames kept until now were all made by these two; a default fills the column without rewriting the table.
ADD_ALGORITHM = """
INSERT INTO references_algorithm (id, names) OVERRIDING SYSTEM VALUE
    VALUES (1, ARRAY['pdq-256/1', 'imagehash-phash-64/1']);
SELECT setval(pg_get_serial_sequence('references_algorithm', 'id'), 1);
ALTER TABLE references_fingerprint ADD COLUMN algorithm_id smallint NOT NULL DEFAULT 1
    REFERENCES references_algorithm (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE references_fingerprint ALTER COLUMN algorithm_id DROP DEFAULT;
"""
DROP_ALGORITHM = "ALTER TABLE references_fingerprint DROP COLUMN algorithm_id;"


class Migration(migrations.Migration):
    dependencies = [
        ("references", "0003_banks_shared_and_works_withdrawn"),
    ]

    operations = [
        migrations.CreateModel(
            name="Algorithm",
            fields=[
                ("id", models.SmallAutoField(primary_key=True, serialize=False)),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), size=None, unique=True
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClipTrack",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("duration_s", models.FloatField()),
                ("times", models.BinaryField()),
                ("hashes", models.BinaryField()),
                ("qualities", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Keyframe",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("frame_index", models.PositiveIntegerField()),
                ("time_s", models.FloatField()),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("is_mirrored", models.BooleanField(default=False)),
                ("points", models.BinaryField()),
                ("descriptors", models.BinaryField()),
                ("preview", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="SoundPrint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start_s", models.FloatField()),
                ("interval_s", models.FloatField()),
                ("codes", models.BinaryField()),
                (
                    "search_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), default=list, size=None
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="fingerprint",
            name="duration_s",
            field=models.FloatField(default=0.25),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="fingerprint",
            name="is_shot_start",
            field=models.BooleanField(default=False),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(ADD_ALGORITHM, DROP_ALGORITHM)],
            state_operations=[
                migrations.AddField(
                    model_name="fingerprint",
                    name="algorithm",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="references.algorithm",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="fingerprint",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration_s__gte", 0.0)), name="fingerprint_lasts"
            ),
        ),
        migrations.AddField(
            model_name="cliptrack",
            name="algorithm",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="references.algorithm",
            ),
        ),
        migrations.AddField(
            model_name="cliptrack",
            name="take",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="track", to="takes.take"
            ),
        ),
        migrations.AddField(
            model_name="cliptrack",
            name="work",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="track",
                to="references.work",
            ),
        ),
        migrations.AddField(
            model_name="keyframe",
            name="algorithm",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="references.algorithm",
            ),
        ),
        migrations.AddField(
            model_name="keyframe",
            name="take",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="keyframes",
                to="takes.take",
            ),
        ),
        migrations.AddField(
            model_name="keyframe",
            name="work",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="keyframes",
                to="references.work",
            ),
        ),
        migrations.AddField(
            model_name="soundprint",
            name="algorithm",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="references.algorithm",
            ),
        ),
        migrations.AddField(
            model_name="soundprint",
            name="take",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="sound", to="takes.take"
            ),
        ),
        migrations.AddField(
            model_name="soundprint",
            name="work",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sound",
                to="references.work",
            ),
        ),
        migrations.AddConstraint(
            model_name="cliptrack",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("take__isnull", True), ("work__isnull", False)),
                    models.Q(("take__isnull", False), ("work__isnull", True)),
                    _connector="OR",
                ),
                name="track_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="keyframe",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("take__isnull", True), ("work__isnull", False)),
                    models.Q(("take__isnull", False), ("work__isnull", True)),
                    _connector="OR",
                ),
                name="keyframe_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="soundprint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("take__isnull", True), ("work__isnull", False)),
                    models.Q(("take__isnull", False), ("work__isnull", True)),
                    _connector="OR",
                ),
                name="sound_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="soundprint",
            constraint=models.CheckConstraint(
                condition=models.Q(("interval_s__gt", 0.0)), name="sound_interval_is_positive"
            ),
        ),
    ]
