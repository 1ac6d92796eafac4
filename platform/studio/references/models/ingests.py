"""Files on their way into a bank: one ingest per request, one row per file, each with what became of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from studio.ids import uuid7
from studio.references.models.banks import Bank
from studio.references.models.works import Work
from studio.references.querysets import IngestFileQuerySet, IngestQuerySet


class Ingest(models.Model):
    """Some files that somebody wanted in a bank. `place` says where they came from, in words for people."""

    class Source(models.TextChoices):
        UPLOAD = "upload", "Uploaded"
        COMMAND = "command", "From the command line"
        DRAWN = "drawn", "Drawn by Slate"

    class State(models.TextChoices):
        OPEN = "open", "In progress"
        FINISHED = "finished", "Finished"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    bank = models.ForeignKey(Bank, on_delete=models.CASCADE, related_name="ingests")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    source = models.CharField(max_length=10, choices=Source.choices)
    place = models.CharField(max_length=1000, blank=True)
    machine = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = IngestQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", finished_at__isnull=True)
                | Q(state="finished", finished_at__isnull=False),
                name="ingest_has_an_end_exactly_when_it_is_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"ingest into {self.bank}, {self.started_at:%Y-%m-%d %H:%M}"


class IngestFile(models.Model):
    """One file of an ingest.

    path: where it lies on `ingest.machine`, in that file system's bytes; empty for an upload, whose bytes are kept
    in the storage until the file has become a work, or for some days where it could not. Whoever works on it holds
    `claim_token`; every outcome is written by compare-and-set on it.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "Being sent"
        WAITING = "waiting", "Waiting"
        WORKING = "working", "In work"
        ADDED = "added", "Added"
        KNOWN = "known", "Known already"
        FAILED = "failed", "Not added"

    OPEN = (State.RECEIVING, State.WAITING, State.WORKING)
    ENDED = (State.ADDED, State.KNOWN, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ingest = models.ForeignKey(Ingest, on_delete=models.CASCADE, related_name="files")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=300)
    path = models.BinaryField(default=b"")
    size_bytes = models.PositiveBigIntegerField(default=0)
    received_bytes = models.PositiveBigIntegerField(default=0)
    is_kept = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    sha256 = models.CharField(max_length=64, blank=True)
    reason_code = models.CharField(max_length=60, blank=True)
    reason = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    frames = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    work = models.ForeignKey(Work, on_delete=models.SET_NULL, null=True, related_name="ingest_files")
    attempts_started = models.PositiveSmallIntegerField(default=0)
    claim_token = models.UUIDField(null=True, unique=True)
    claimed_by = models.CharField(max_length=200, blank=True)
    claimed_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = IngestFileQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["ingest", "position"], name="ingest_file_once_per_position"),
            models.CheckConstraint(
                condition=Q(state__in=["receiving", "waiting", "working", "added", "known", "failed"]),
                name="ingest_file_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="working", claim_token__isnull=False, claimed_until__isnull=False)
                | (~Q(state="working") & Q(claim_token__isnull=True)),
                name="ingest_file_claimed_exactly_while_in_work",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | (~Q(reason_code="") & ~Q(reason="")),
                name="ingest_file_failed_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(received_bytes__lte=models.F("size_bytes")),
                name="ingest_file_not_longer_than_stated",
            ),
        ]
        indexes = [
            models.Index(fields=["ingest", "state", "position"], name="ingest_file_by_state"),
            models.Index(fields=["claimed_until"], condition=Q(state="working"), name="ingest_file_claimed"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_ended(self) -> bool:
        return self.state in IngestFile.ENDED
