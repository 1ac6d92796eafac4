"""A bank of works with what follows from a match, and the studios that may read it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from studio.ids import uuid7
from studio.references.querysets import BankQuerySet, BankShareQuerySet

DEFAULT_REVIEW_AT = 1e-3
DEFAULT_BLOCK_AT = 1e-6


class Bank(models.Model):
    """Works of one studio, and how sure a match must be.

    review_at, block_at: a take is sent to review, or blocked, when the probability that unrelated film would look
    as much like a work is no greater than this.
    """

    class Kind(models.TextChoices):
        PROTECTED = "protected", "Protected works"
        COMMON = "common", "Common content"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    studio = models.ForeignKey("tenancy.Studio", on_delete=models.PROTECT, related_name="banks")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PROTECTED)
    description = models.CharField(max_length=500, blank=True)
    review_at = models.FloatField(default=DEFAULT_REVIEW_AT)
    block_at = models.FloatField(default=DEFAULT_BLOCK_AT)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BankQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["studio", "name"], name="bank_name_once_per_studio"),
            models.CheckConstraint(condition=Q(kind__in=["protected", "common"]), name="bank_kind_known"),
            models.CheckConstraint(
                condition=Q(block_at__gt=0.0, review_at__lt=1.0, review_at__gt=F("block_at")),
                name="bank_reviews_before_it_blocks",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_common(self) -> bool:
        """Whether what matches it is explained by it and counts against nobody."""
        return self.kind == Bank.Kind.COMMON


class BankShare(models.Model):
    """Lets another studio see a bank and search it; only the studio that owns the bank changes it."""

    bank = models.ForeignKey(Bank, on_delete=models.CASCADE, related_name="shares")
    studio = models.ForeignKey("tenancy.Studio", on_delete=models.CASCADE, related_name="bank_shares")
    shared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BankShareQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["bank", "studio"], name="bank_shared_once_per_studio")]

    def __str__(self) -> str:
        return f"{self.bank} → {self.studio}"
