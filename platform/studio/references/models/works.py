"""A work of a bank, whether it is searched, and the small files it is shown with."""

from fractions import Fraction

from django.conf import settings
from django.db import models
from django.db.models import Q

from studio.ids import uuid7
from studio.references.models.banks import Bank
from studio.references.querysets import WorkFileQuerySet, WorkQuerySet


class Work(models.Model):
    """One film or still of a bank, known by its content: the same bytes are one work however they are named.

    A work imported as hashes alone has no files, and its size is unknown (None); its `sha256` is the one stated
    beside the hashes, or else that of the list itself. Only an active work is searched. `compared_at`: when it was last
    looked for in the takes made before it; None until then.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        WITHDRAWN = "withdrawn", "Withdrawn"
        QUARANTINED = "quarantined", "Quarantined"

    class Origin(models.TextChoices):
        FILE = "file", "From a file"
        IMPORT = "import", "Imported as hashes"
        DRAWN = "drawn", "Drawn by Slate"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, related_name="works")
    title = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    duration_seconds = models.FloatField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.FILE)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    owner = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True)
    status_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    status_at = models.DateTimeField(null=True)
    compared_at = models.DateTimeField(null=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(fields=["bank", "sha256"], name="work_once_per_bank"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "withdrawn", "quarantined"]), name="work_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="active", status_reason="")
                | (~Q(status="active") & ~Q(status_reason="") & Q(status_at__isnull=False)),
                name="work_says_why_it_is_not_searched",
            ),
            models.CheckConstraint(
                condition=Q(width__isnull=True, height__isnull=True) | Q(width__gt=0, height__gt=0),
                name="work_size_whole_or_unknown",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_searched(self) -> bool:
        return self.status == Work.Status.ACTIVE


class WorkFile(models.Model):
    """A small file of a work, to look at beside a take: a proxy film or a poster, stored by its content."""

    class Kind(models.TextChoices):
        PROXY = "proxy", "Proxy"
        POSTER = "poster", "Poster"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    work = models.ForeignKey(Work, on_delete=models.CASCADE, related_name="files")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    sha256 = models.CharField(max_length=64)
    storage_name = models.CharField(max_length=200, db_index=True)
    content_type = models.CharField(max_length=60)
    size_bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    fps_numerator = models.PositiveIntegerField(default=1)
    fps_denominator = models.PositiveIntegerField(default=1)
    duration_frames = models.PositiveIntegerField(default=1)
    has_sound = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work", "kind"], name="work_file_once_per_kind"),
            models.CheckConstraint(condition=Q(kind__in=["proxy", "poster"]), name="work_file_kind_known"),
            models.CheckConstraint(
                condition=Q(
                    size_bytes__gt=0, duration_frames__gt=0, fps_numerator__gt=0, fps_denominator__gt=0
                ),
                name="work_file_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.work_id}"

    @property
    def fps(self) -> Fraction:
        return Fraction(self.fps_numerator, self.fps_denominator)
