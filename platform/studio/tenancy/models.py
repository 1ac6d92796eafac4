"""A studio (the tenant), and who belongs to it in which role."""

from django.conf import settings
from django.db import models

from studio.ids import uuid7
from studio.tenancy.querysets import StudioQuerySet


class Role(models.TextChoices):
    ARTIST = "artist", "Artist"
    SUPERVISOR = "supervisor", "Supervisor"
    PRODUCTION_MANAGER = "production_manager", "Production manager"
    AUDITOR = "auditor", "Auditor / client"
    OPERATOR = "operator", "Operator"


class Studio(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    # The watermark key that new takes get; those of all lower epochs stay detectable. It can only grow.
    watermark_epoch = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StudioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(watermark_epoch__gte=1), name="studio_watermark_epoch_from_one"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def watermark_epochs(self) -> range:
        """Every epoch whose key may be in a clip, the newest first."""
        return range(self.watermark_epoch, 0, -1)


class Membership(models.Model):
    studio = models.ForeignKey(Studio, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["studio", "user"], name="membership_once_per_studio"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"
