"""What is kept of a reference work or of a take of ours so that a clip of it is recognised."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from studio.references.fields import BitStringField


def of_one_thing(name: str) -> models.CheckConstraint:
    """The constraint that a row belongs to exactly one of a work and a take."""
    return models.CheckConstraint(
        condition=Q(work__isnull=False, take__isnull=True) | Q(work__isnull=True, take__isnull=False),
        name=name,
    )


def made_by() -> models.ForeignKey:
    # Without an index: there are millions of rows and a handful of algorithms.
    return models.ForeignKey(
        "references.Algorithm", on_delete=models.PROTECT, related_name="+", db_index=False
    )


class Algorithm(models.Model):
    """The algorithms, each with its version, that one clip's fingerprint was made with: two bytes on every row."""

    id = models.SmallAutoField(primary_key=True)
    names = ArrayField(models.CharField(max_length=60), unique=True)

    def __str__(self) -> str:
        return ", ".join(self.names)


class Fingerprint(models.Model):
    """The hashes of one picture and how long it stands, of a reference work or of a take (exactly one of them).

    Frames below quality 50 are kept for their time codes and never searched.
    """

    work = models.ForeignKey(
        "references.Work", on_delete=models.CASCADE, null=True, related_name="fingerprints"
    )
    take = models.ForeignKey("takes.Take", on_delete=models.CASCADE, null=True, related_name="fingerprints")
    frame_index = models.PositiveIntegerField()
    time_s = models.FloatField()
    duration_s = models.FloatField()
    quality = models.PositiveSmallIntegerField()
    is_shot_start = models.BooleanField(default=False)
    algorithm = made_by()
    pdq = BitStringField(bits=256)
    phash = BitStringField(bits=64)

    class Meta:
        constraints = [
            of_one_thing("fingerprint_of_one_thing"),
            models.CheckConstraint(condition=Q(quality__lte=100), name="fingerprint_quality_is_percent"),
            models.CheckConstraint(condition=Q(duration_s__gte=0.0), name="fingerprint_lasts"),
        ]

    def __str__(self) -> str:
        return f"{self.work_id or self.take_id} @ {self.time_s:.2f}s"


class Keyframe(models.Model):
    """Local features of one frame (see `provenance.fingerprint.contents.Keyframe`).

    points: n pairs of little-endian uint16, descriptors: n times 32 bytes, preview: a JPEG.
    """

    work = models.ForeignKey("references.Work", on_delete=models.CASCADE, null=True, related_name="keyframes")
    take = models.ForeignKey("takes.Take", on_delete=models.CASCADE, null=True, related_name="keyframes")
    frame_index = models.PositiveIntegerField()
    time_s = models.FloatField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    is_mirrored = models.BooleanField(default=False)
    algorithm = made_by()
    points = models.BinaryField()
    descriptors = models.BinaryField()
    preview = models.BinaryField()

    class Meta:
        constraints = [of_one_thing("keyframe_of_one_thing")]

    def __str__(self) -> str:
        return f"{self.work_id or self.take_id} @ {self.time_s:.2f}s"


class ClipTrack(models.Model):
    """A hash of every frame of a clip, and the length of the clip; there is one of each fingerprinted clip.

    times: little-endian float64 in seconds, hashes: 32 bytes each, qualities: one byte each.
    """

    work = models.OneToOneField("references.Work", on_delete=models.CASCADE, null=True, related_name="track")
    take = models.OneToOneField("takes.Take", on_delete=models.CASCADE, null=True, related_name="track")
    duration_s = models.FloatField()
    algorithm = made_by()
    times = models.BinaryField()
    hashes = models.BinaryField()
    qualities = models.BinaryField()

    class Meta:
        constraints = [of_one_thing("track_of_one_thing")]

    def __str__(self) -> str:
        return f"track of {self.work_id or self.take_id}"


class SoundPrint(models.Model):
    """The Chromaprint of a clip's sound: little-endian uint32 codes, one every `interval_s`, from `start_s` on.

    search_keys: what an index over sound looks up; empty where there is none.
    """

    work = models.OneToOneField("references.Work", on_delete=models.CASCADE, null=True, related_name="sound")
    take = models.OneToOneField("takes.Take", on_delete=models.CASCADE, null=True, related_name="sound")
    start_s = models.FloatField()
    interval_s = models.FloatField()
    algorithm = made_by()
    codes = models.BinaryField()
    search_keys: Any = ArrayField(models.IntegerField(), default=list)

    class Meta:
        constraints = [
            of_one_thing("sound_of_one_thing"),
            models.CheckConstraint(condition=Q(interval_s__gt=0.0), name="sound_interval_is_positive"),
        ]

    def __str__(self) -> str:
        return f"sound of {self.work_id or self.take_id}"
