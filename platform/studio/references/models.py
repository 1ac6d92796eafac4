"""Banks of works that must be recognised, their fingerprints, and the matches found."""

from django.db import models
from django.db.models import Q

from studio.ids import uuid7
from studio.references.fields import BitStringField
from studio.tenancy.querysets import InStudioQuerySet


class OfBankQuerySet(InStudioQuerySet):
    studio_path = "bank__studio"


class OfTakeQuerySet(InStudioQuerySet):
    studio_path = "take__shot__sequence__production__studio"


class Bank(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    studio = models.ForeignKey("tenancy.Studio", on_delete=models.PROTECT, related_name="banks")
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InStudioQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["studio", "name"], name="bank_name_once_per_studio")]

    def __str__(self) -> str:
        return self.name


class Work(models.Model):
    """One file of a bank, known by its content: the same bytes are one work however they are named."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, related_name="works")
    title = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    duration_seconds = models.FloatField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfBankQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["bank", "sha256"], name="work_once_per_bank")]

    def __str__(self) -> str:
        return self.title


class Fingerprint(models.Model):
    """The hashes of one sampled frame, of a reference work or of a take of ours (exactly one of them).

    `pdq` is searched through an index over its sixteen 16-bit chunks (`slate_pdq_keys`); frames below
    quality 50 are kept for their time codes and never searched.
    """

    work = models.ForeignKey(Work, on_delete=models.CASCADE, null=True, related_name="fingerprints")
    take = models.ForeignKey("takes.Take", on_delete=models.CASCADE, null=True, related_name="fingerprints")
    frame_index = models.PositiveIntegerField()
    time_s = models.FloatField()
    quality = models.PositiveSmallIntegerField()
    pdq = BitStringField(bits=256)
    phash = BitStringField(bits=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(work__isnull=False, take__isnull=True) | Q(work__isnull=True, take__isnull=False),
                name="fingerprint_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(quality__lte=100), name="fingerprint_quality_is_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.work_id or self.take_id} @ {self.time_s:.2f}s"


class Match(models.Model):
    """A stretch of a take that shows a stretch of a reference work; times in seconds."""

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
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfTakeQuerySet.as_manager()

    class Meta:
        ordering = ["take_start_s"]
        verbose_name_plural = "matches"

    def __str__(self) -> str:
        return f"{self.work} {self.take_start_s:.2f}–{self.take_end_s:.2f}s"
