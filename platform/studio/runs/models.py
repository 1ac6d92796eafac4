"""A run (one request to make a take) and its attempts (one try by one worker)."""

from fractions import Fraction

from django.conf import settings
from django.db import models

from studio.ids import uuid7
from studio.runs.querysets import RunQuerySet


class Run(models.Model):
    """Every write of an attempt carries its token (`attempt_token`); a stale token changes nothing."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    shot = models.ForeignKey("productions.Shot", on_delete=models.PROTECT, related_name="runs")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    model = models.CharField(max_length=500)
    prompt = models.TextField(max_length=2000)
    negative_prompt = models.TextField(blank=True, max_length=2000)
    seed = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    fps_numerator = models.PositiveIntegerField()
    fps_denominator = models.PositiveIntegerField(default=1)
    duration_frames = models.PositiveIntegerField()

    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED, db_index=True)
    stage = models.CharField(max_length=30, blank=True)
    progress = models.FloatField(default=0.0)
    attempts_started = models.PositiveSmallIntegerField(default=0)
    attempt_token = models.UUIDField(null=True, unique=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    take = models.OneToOneField("takes.Take", on_delete=models.PROTECT, null=True, related_name="run")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="succeeded", take__isnull=False)
                | (~models.Q(state="succeeded") & models.Q(take__isnull=True)),
                name="run_has_a_take_exactly_when_it_succeeded",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="run_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state="running", attempt_token__isnull=False)
                | (~models.Q(state="running") & models.Q(attempt_token__isnull=True)),
                name="run_has_a_token_exactly_while_it_runs",
            ),
            models.CheckConstraint(
                condition=models.Q(progress__range=(0.0, 1.0)), name="run_progress_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(width__gt=0, height__gt=0, duration_frames__gt=0, fps_numerator__gt=0),
                name="run_asks_for_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shot.code} run {self.state}"

    @property
    def fps(self) -> Fraction:
        return Fraction(self.fps_numerator, self.fps_denominator)

    @property
    def duration_seconds(self) -> float:
        return float(self.duration_frames / self.fps)

    @property
    def has_ended(self) -> bool:
        return self.state in self.ENDED

    @property
    def percent(self) -> int:
        return int(self.progress * 100)


class Attempt(models.Model):
    class Outcome(models.TextChoices):
        RUNNING = "running", "Running"
        PUBLISHED = "published", "Published"
        FAILED = "failed", "Failed"
        LOST = "lost", "Lost"
        CANCELLED = "cancelled", "Cancelled"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    token = models.UUIDField(unique=True)
    worker = models.CharField(max_length=120)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.RUNNING)
    reason = models.TextField(blank=True)
    timings = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="attempt_number_once_per_run")]

    def __str__(self) -> str:
        return f"{self.run_id} attempt {self.number}"
