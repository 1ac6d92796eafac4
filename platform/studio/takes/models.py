"""A take and its renditions: immutable once published."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from studio.ids import uuid7
from studio.takes.querysets import RenditionQuerySet, TakeQuerySet


class Take(models.Model):
    """One version of a shot. `mark_id` is the 64-bit number its watermark carries (16 hex digits)."""

    class State(models.TextChoices):
        RELEASED = "released", "Released"
        IN_REVIEW = "in_review", "In review"
        BLOCKED = "blocked", "Blocked"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    shot = models.ForeignKey("productions.Shot", on_delete=models.PROTECT, related_name="takes")
    number = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    state = models.CharField(max_length=20, choices=State.choices, default=State.RELEASED)
    mark_id = models.CharField(max_length=16, unique=True)
    recipe = models.JSONField()
    recipe_sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = TakeQuerySet.as_manager()

    class Meta:
        ordering = ["shot", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["shot", "number"], name="take_number_once_per_shot"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="take_number_from_one"),
            models.CheckConstraint(
                condition=models.Q(mark_id__regex=r"^[0-9a-f]{16}$"), name="take_mark_id_is_64_bit_hex"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["released", "in_review", "blocked"]), name="take_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shot.code} {self.version}"

    @property
    def version(self) -> str:
        return f"v{self.number:03d}"

    @property
    def master(self) -> "Rendition":
        return self.renditions.get(kind=Rendition.Kind.MASTER)


class Rendition(models.Model):
    """A file of a take, stored under its own SHA-256. Served only once `published_at` is set, which the
    database allows only beside a credential, a watermark record and a passing gate (credentials app)."""

    class Kind(models.TextChoices):
        MASTER = "master", "Master"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    take = models.ForeignKey(Take, on_delete=models.PROTECT, related_name="renditions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sha256 = models.CharField(max_length=64, db_index=True)
    storage_name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=60)
    size_bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    fps_numerator = models.PositiveIntegerField()
    fps_denominator = models.PositiveIntegerField(default=1)
    duration_frames = models.PositiveIntegerField()
    published_at = models.DateTimeField(null=True)

    objects = RenditionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["take", "kind"], name="rendition_once_per_kind"),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="rendition_sha256_is_hex"
            ),
            models.CheckConstraint(
                condition=models.Q(size_bytes__gt=0, duration_frames__gt=0), name="rendition_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.take} {self.kind}"

    @property
    def duration_seconds(self) -> float:
        return self.duration_frames * self.fps_denominator / self.fps_numerator

    @property
    def fps(self) -> float:
        return self.fps_numerator / self.fps_denominator

    @property
    def file_name(self) -> str:
        """The name a download gets: production, shot and version."""
        return f"{self.take.shot.production.code}_{self.take.shot.code}_{self.take.version}.mp4"
