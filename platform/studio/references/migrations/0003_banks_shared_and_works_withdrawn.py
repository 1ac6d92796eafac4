"""Banks get a kind, thresholds and readers; works a status and files to be shown with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import studio.ids


class Migration(migrations.Migration):
    dependencies = [
        ("references", "0002_multi_index_hashing"),
    ]

    operations = [
        migrations.CreateModel(
            name="BankShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["created_at"],
            },
        ),
        migrations.CreateModel(
            name="WorkFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=studio.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("proxy", "Proxy"), ("poster", "Poster")], max_length=8)),
                ("sha256", models.CharField(max_length=64)),
                ("storage_name", models.CharField(db_index=True, max_length=200)),
                ("content_type", models.CharField(max_length=60)),
                ("size_bytes", models.PositiveBigIntegerField()),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("fps_numerator", models.PositiveIntegerField(default=1)),
                ("fps_denominator", models.PositiveIntegerField(default=1)),
                ("duration_frames", models.PositiveIntegerField(default=1)),
                ("has_sound", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="bank",
            name="block_at",
            field=models.FloatField(default=1e-06),
        ),
        migrations.AddField(
            model_name="bank",
            name="description",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="bank",
            name="kind",
            field=models.CharField(
                choices=[("protected", "Protected works"), ("common", "Common content")],
                default="protected",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="bank",
            name="review_at",
            field=models.FloatField(default=0.001),
        ),
        migrations.AddField(
            model_name="work",
            name="added_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="work",
            name="licence",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="work",
            name="origin",
            field=models.CharField(
                choices=[
                    ("file", "From a file"),
                    ("import", "Imported as hashes"),
                    ("drawn", "Drawn by Slate"),
                ],
                default="file",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="work",
            name="owner",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="work",
            name="source",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="work",
            name="status",
            field=models.CharField(
                choices=[("active", "Active"), ("withdrawn", "Withdrawn"), ("quarantined", "Quarantined")],
                default="active",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="work",
            name="status_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="work",
            name="status_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="work",
            name="status_reason",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AlterField(
            model_name="work",
            name="height",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="work",
            name="width",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="bank",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["protected", "common"])), name="bank_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="bank",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("block_at__gt", 0.0), ("review_at__gt", models.F("block_at")), ("review_at__lt", 1.0)
                ),
                name="bank_reviews_before_it_blocks",
            ),
        ),
        migrations.AddConstraint(
            model_name="work",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["active", "withdrawn", "quarantined"])),
                name="work_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="work",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "active"), ("status_reason", "")),
                    models.Q(
                        models.Q(("status", "active"), _negated=True),
                        models.Q(("status_reason", ""), _negated=True),
                        ("status_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="work_says_why_it_is_not_searched",
            ),
        ),
        migrations.AddConstraint(
            model_name="work",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("height__isnull", True), ("width__isnull", True)),
                    models.Q(("height__gt", 0), ("width__gt", 0)),
                    _connector="OR",
                ),
                name="work_size_whole_or_unknown",
            ),
        ),
        migrations.AddField(
            model_name="bankshare",
            name="bank",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="references.bank"
            ),
        ),
        migrations.AddField(
            model_name="bankshare",
            name="shared_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="bankshare",
            name="studio",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="bank_shares", to="tenancy.studio"
            ),
        ),
        migrations.AddField(
            model_name="workfile",
            name="work",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="files", to="references.work"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankshare",
            constraint=models.UniqueConstraint(fields=("bank", "studio"), name="bank_shared_once_per_studio"),
        ),
        migrations.AddConstraint(
            model_name="workfile",
            constraint=models.UniqueConstraint(fields=("work", "kind"), name="work_file_once_per_kind"),
        ),
        migrations.AddConstraint(
            model_name="workfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["proxy", "poster"])), name="work_file_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="workfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("duration_frames__gt", 0),
                    ("fps_denominator__gt", 0),
                    ("fps_numerator__gt", 0),
                    ("size_bytes__gt", 0),
                ),
                name="work_file_not_empty",
            ),
        ),
    ]
