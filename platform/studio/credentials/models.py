"""What stands behind a published rendition: its manifest, its watermark record, its passing gate; and who asked
about clips of late."""

from django.db import models

from studio.ids import uuid7
from studio.tenancy.querysets import InStudioQuerySet


class OfRenditionQuerySet(InStudioQuerySet):
    studio_path = "rendition__take__shot__sequence__production__studio"


class Credential(models.Model):
    """A signed C2PA manifest, kept whole so that a stripped copy can get it back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rendition = models.OneToOneField("takes.Rendition", on_delete=models.PROTECT, related_name="credential")
    manifest_id = models.CharField(max_length=200, unique=True)
    manifest = models.BinaryField()
    file_sha256 = models.CharField(max_length=64)
    signer_serial = models.CharField(max_length=80, db_index=True)
    # Salts the hashes in the generation record; with it a studio can reveal prompt and inputs later.
    salt = models.BinaryField()
    signed_at = models.DateTimeField()

    objects = OfRenditionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.manifest_id


class WatermarkRecord(models.Model):
    """Which mark the rendition carries, and how surely it was read back from the encoded file.

    `certificate` is what was measured of the mark's quality and strength while the take was rendered (empty for
    takes made before that was measured), `strip` its strength per half second of the finished file. Which key
    and epoch were used stands here only, never in a manifest.
    """

    rendition = models.OneToOneField("takes.Rendition", on_delete=models.PROTECT, related_name="watermark")
    algorithm = models.CharField(max_length=60)
    key_id = models.CharField(max_length=80)
    key_epoch = models.PositiveSmallIntegerField(default=1)
    profile = models.CharField(max_length=10, default="clean")
    payload = models.BinaryField()
    z = models.FloatField()
    p_false_positive = models.FloatField()
    certificate = models.JSONField(default=dict)
    strip = models.JSONField(default=list)

    objects = OfRenditionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(p_false_positive__gte=0, p_false_positive__lte=1e-6),
                name="watermark_read_back_for_sure",
            ),
            models.CheckConstraint(condition=models.Q(key_epoch__gte=1), name="watermark_key_epoch_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} z={self.z:.1f}"


class GateReport(models.Model):
    """What every layer answered when the finished file was read back by a fresh process."""

    rendition = models.OneToOneField("takes.Rendition", on_delete=models.PROTECT, related_name="gate")
    passed = models.BooleanField()
    file_sha256 = models.CharField(max_length=64)
    layers = models.JSONField()
    checked_at = models.DateTimeField()

    objects = OfRenditionQuerySet.as_manager()

    def __str__(self) -> str:
        return "passed" if self.passed else "failed"


class ClipQuery(models.Model):
    """One clip that somebody had verified. The row lives for the hour in which it counts towards a limit; what
    was answered is in the ledger.

    `caller` is a keyed hash of the address a stranger asked from, empty for people who are signed in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "clip queries"
        indexes = [models.Index(fields=["caller", "asked_at"], name="clipquery_by_caller")]

    def __str__(self) -> str:
        return str(self.pk)
