"""One entry per state change; the table takes inserts only."""

from django.conf import settings
from django.db import models

from studio.tenancy.querysets import InStudioQuerySet


class Entry(models.Model):
    """What happened to what, by whom, when. `canonical` is the RFC 8785 JSON whose digest is kept.

    Entries hold identifiers and digests, never prompts or personal data.
    """

    studio = models.ForeignKey("tenancy.Studio", on_delete=models.PROTECT, null=True, related_name="+")
    occurred_at = models.DateTimeField(db_index=True)
    event = models.CharField(max_length=60, db_index=True)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    details = models.JSONField(default=dict)
    canonical = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    objects = InStudioQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["studio", "-id"], name="entry_by_studio")]

    def __str__(self) -> str:
        return f"{self.event} {self.subject_kind} {self.subject_id}"
