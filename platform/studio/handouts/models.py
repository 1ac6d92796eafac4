"""The pair of encodings that a take's copies are put together from, and each recipient's copy."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from provenance.watermark.copies import MAX_CHANCE
from studio.handouts.querysets import OfTakeQuerySet
from studio.ids import uuid7

HEX_64 = r"^[0-9a-f]{64}$"


class Pair(models.Model):
    """Two unsigned encodings of a take, spelling A and B all through. Nothing ever serves them."""

    take = models.OneToOneField("takes.Take", on_delete=models.PROTECT, related_name="copy_pair")
    letters = models.PositiveIntegerField()
    first_storage_name = models.CharField(max_length=200)
    first_sha256 = models.CharField(max_length=64)
    second_storage_name = models.CharField(max_length=200)
    second_sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)

    objects = OfTakeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(letters__gt=0), name="pair_has_letters"),
            models.CheckConstraint(
                condition=models.Q(first_sha256__regex=HEX_64, second_sha256__regex=HEX_64),
                name="pair_sha256_is_hex",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.take} pair"


class Copy(models.Model):
    """A take as one recipient got it. The row exists only for a file that was signed, read back and traced.

    `recipient` and `word` (one letter per half second) are nowhere but here: not in the file, its credential or
    the ledger. `p_false_positive` and `p_chance` say how surely mark and recipient were read from the file.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    take = models.ForeignKey("takes.Take", on_delete=models.PROTECT, related_name="copies")
    recipient = models.CharField(max_length=200)
    word = models.TextField()
    sha256 = models.CharField(max_length=64)
    storage_name = models.CharField(max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    manifest_id = models.CharField(max_length=200, unique=True)
    manifest = models.BinaryField()
    signed_sha256 = models.CharField(max_length=64)
    signer_serial = models.CharField(max_length=80, db_index=True)
    checked_sha256 = models.CharField(max_length=64)
    p_false_positive = models.FloatField()
    p_chance = models.FloatField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField()

    objects = OfTakeQuerySet.as_manager()

    class Meta:
        ordering = ["take", "made_at"]
        verbose_name_plural = "copies"
        constraints = [
            models.UniqueConstraint("take", Lower("recipient"), name="copy_once_per_recipient"),
            models.UniqueConstraint(fields=["take", "word"], name="copy_word_once_per_take"),
            models.CheckConstraint(condition=models.Q(word__regex=r"^[AB]+$"), name="copy_word_of_letters"),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=HEX_64, size_bytes__gt=0), name="copy_has_a_file"
            ),
            models.CheckConstraint(
                condition=models.Q(signed_sha256=models.F("sha256"), checked_sha256=models.F("sha256")),
                name="copy_signed_and_checked_these_bytes",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    p_false_positive__gte=0,
                    p_false_positive__lte=1e-6,
                    p_chance__gte=0,
                    p_chance__lte=MAX_CHANCE,
                ),
                name="copy_read_back_for_sure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.take} for {self.recipient}"

    @property
    def file_name(self) -> str:
        """The name the file gets when it is handed out; it does not tell who has it."""
        shot = self.take.shot
        return f"{shot.production.code}_{shot.code}_{self.take.version}_{str(self.pk)[-8:]}.mp4"
