"""A stretch of a take that shows a stretch of a reference work, and how sure that is."""

from django.db import models
from django.db.models import Q

from studio.ids import uuid7
from studio.references.models.works import Work
from studio.references.querysets import OfTakeQuerySet


class Match(models.Model):
    """One segment between a take and a work; times in seconds.

    probability: that a clip which is no copy would match as well. segment, thresholds, calibration: everything the
    outcome follows from (`provenance.fingerprint.judging`), so that it can be worked out again. A match found when the
    work was added later than the take was made `is_retroactive`.
    """

    class Outcome(models.TextChoices):
        CLEAR = "clear", "Clear"
        REVIEW = "review", "For review"
        BLOCK = "block", "Blocks"

    class Method(models.TextChoices):
        FRAMES = "frames", "Whole pictures"
        FEATURES = "features", "Parts of pictures"
        SOUND = "sound", "Sound"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    take = models.ForeignKey("takes.Take", on_delete=models.PROTECT, related_name="matches")
    work = models.ForeignKey(Work, on_delete=models.PROTECT, related_name="matches")
    take_start_s = models.FloatField()
    take_end_s = models.FloatField()
    work_start_s = models.FloatField()
    work_end_s = models.FloatField()
    speed = models.FloatField()
    hits = models.PositiveIntegerField()
    mean_distance = models.FloatField()
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.FRAMES)
    is_mirrored = models.BooleanField(default=False)
    probability = models.FloatField(default=1.0)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.REVIEW)
    segment = models.JSONField(default=dict)
    thresholds = models.JSONField(default=dict)
    calibration = models.JSONField(default=dict)
    is_retroactive = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfTakeQuerySet.as_manager()

    class Meta:
        ordering = ["take_start_s"]
        verbose_name_plural = "matches"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["clear", "review", "block"]), name="match_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(method__in=["frames", "features", "sound"]), name="match_method_known"
            ),
            models.CheckConstraint(
                condition=Q(probability__gte=0.0, probability__lte=1.0), name="match_probability_is_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work} {self.take_start_s:.2f}–{self.take_end_s:.2f}s"
