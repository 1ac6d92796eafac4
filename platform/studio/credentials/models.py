"""What stands behind a published rendition: its manifest, its watermark record, its passing gate."""

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
    """Which mark the rendition carries, and how surely it was read back from the encoded file."""

    rendition = models.OneToOneField("takes.Rendition", on_delete=models.PROTECT, related_name="watermark")
    algorithm = models.CharField(max_length=60)
    key_id = models.CharField(max_length=80)
    payload = models.BinaryField()
    z = models.FloatField()
    p_false_positive = models.FloatField()

    objects = OfRenditionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(p_false_positive__gte=0, p_false_positive__lte=1e-6),
                name="watermark_read_back_for_sure",
            )
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
