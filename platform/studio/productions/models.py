"""A production and its tree: sequences of shots."""

from fractions import Fraction

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from studio.ids import uuid7
from studio.productions.querysets import ProductionQuerySet, SequenceQuerySet, ShotQuerySet


class MarkProfile(models.TextChoices):
    """How strongly the takes of a production are marked (see provenance.watermark)."""

    CLEAN = "clean", "Clean: picture quality first"
    ROBUST = "robust", "Robust: survives stronger compression"
    ARCHIVE = "archive", "Archive: survives the strongest compression"


class Production(models.Model):
    """One film or series. Its delivery raster is what every take of it is made in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    studio = models.ForeignKey("tenancy.Studio", on_delete=models.PROTECT, related_name="productions")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    raster_width = models.PositiveIntegerField(
        default=1280, validators=[MinValueValidator(64), MaxValueValidator(4096)]
    )
    raster_height = models.PositiveIntegerField(
        default=720, validators=[MinValueValidator(64), MaxValueValidator(4096)]
    )
    fps_numerator = models.PositiveIntegerField(default=24)
    fps_denominator = models.PositiveIntegerField(default=1)
    mark_profile = models.CharField(max_length=10, choices=MarkProfile.choices, default=MarkProfile.CLEAN)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProductionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["studio", "code"], name="production_code_once_per_studio"),
            models.CheckConstraint(
                condition=models.Q(raster_width__range=(64, 4096), raster_height__range=(64, 4096)),
                name="production_raster_possible",
            ),
            models.CheckConstraint(
                condition=models.Q(fps_numerator__gt=0, fps_denominator__gt=0),
                name="production_fps_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(mark_profile__in=MarkProfile.values), name="production_mark_profile_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def fps(self) -> Fraction:
        return Fraction(self.fps_numerator, self.fps_denominator)


class Sequence(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    production = models.ForeignKey(Production, on_delete=models.PROTECT, related_name="sequences")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200, blank=True)
    position = models.PositiveIntegerField(default=0)

    objects = SequenceQuerySet.as_manager()

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["production", "code"], name="sequence_code_once_per_production")
        ]

    def __str__(self) -> str:
        return self.code


class Shot(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sequence = models.ForeignKey(Sequence, on_delete=models.PROTECT, related_name="shots")
    code = models.CharField(max_length=40)
    description = models.TextField(blank=True, max_length=2000)
    duration_seconds = models.FloatField(default=2.0)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShotQuerySet.as_manager()

    class Meta:
        ordering = ["sequence__position", "position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["sequence", "code"], name="shot_code_once_per_sequence"),
            models.CheckConstraint(
                condition=models.Q(duration_seconds__gt=0), name="shot_duration_seconds_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def production(self) -> Production:
        return self.sequence.production
