"""Files on their way into a bank."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import studio.ids


class Migration(migrations.Migration):
    dependencies = [
        ("references", "0004_fingerprints_of_whole_clips"),
    ]

    operations = [
        migrations.CreateModel(
            name="Ingest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=studio.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("upload", "Uploaded"),
                            ("command", "From the command line"),
                            ("drawn", "Drawn by Slate"),
                        ],
                        max_length=10,
                    ),
                ),
                ("place", models.CharField(blank=True, max_length=1000)),
                ("machine", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "In progress"), ("finished", "Finished")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="IngestFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=studio.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=300)),
                ("path", models.BinaryField(default=b"")),
                ("size_bytes", models.PositiveBigIntegerField(default=0)),
                ("received_bytes", models.PositiveBigIntegerField(default=0)),
                ("is_kept", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("receiving", "Being sent"),
                            ("waiting", "Waiting"),
                            ("working", "In work"),
                            ("added", "Added"),
                            ("known", "Known already"),
                            ("failed", "Not added"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("reason_code", models.CharField(blank=True, max_length=60)),
                ("reason", models.TextField(blank=True)),
                ("hint", models.TextField(blank=True)),
                ("frames", models.PositiveIntegerField(default=0)),
                ("seconds", models.FloatField(default=0.0)),
                ("attempts_started", models.PositiveSmallIntegerField(default=0)),
                ("claim_token", models.UUIDField(null=True, unique=True)),
                ("claimed_by", models.CharField(blank=True, max_length=200)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.AddField(
            model_name="ingest",
            name="bank",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="ingests", to="references.bank"
            ),
        ),
        migrations.AddField(
            model_name="ingest",
            name="requested_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ingestfile",
            name="ingest",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="files", to="references.ingest"
            ),
        ),
        migrations.AddField(
            model_name="ingestfile",
            name="work",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="ingest_files",
                to="references.work",
            ),
        ),
        migrations.AddConstraint(
            model_name="ingest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("state", "open")),
                    models.Q(("finished_at__isnull", False), ("state", "finished")),
                    _connector="OR",
                ),
                name="ingest_has_an_end_exactly_when_it_is_finished",
            ),
        ),
        migrations.AddIndex(
            model_name="ingestfile",
            index=models.Index(fields=["ingest", "state", "position"], name="ingest_file_by_state"),
        ),
        migrations.AddIndex(
            model_name="ingestfile",
            index=models.Index(
                condition=models.Q(("state", "working")), fields=["claimed_until"], name="ingest_file_claimed"
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestfile",
            constraint=models.UniqueConstraint(
                fields=("ingest", "position"), name="ingest_file_once_per_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["receiving", "waiting", "working", "added", "known", "failed"])
                ),
                name="ingest_file_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("claim_token__isnull", False), ("claimed_until__isnull", False), ("state", "working")
                    ),
                    models.Q(models.Q(("state", "working"), _negated=True), ("claim_token__isnull", True)),
                    _connector="OR",
                ),
                name="ingest_file_claimed_exactly_while_in_work",
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "failed"), _negated=True),
                    models.Q(
                        models.Q(("reason_code", ""), _negated=True), models.Q(("reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="ingest_file_failed_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="ingestfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("received_bytes__lte", models.F("size_bytes"))),
                name="ingest_file_not_longer_than_stated",
            ),
        ),
    ]
