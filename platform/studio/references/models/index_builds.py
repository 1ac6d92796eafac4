"""Which builds of the search segments this database knows."""

from django.db import models
from django.utils import timezone


class IndexBuild(models.Model):
    """A manifest of search segments that was built from this database; `identity` is the manifest's.

    A manifest without its row was built from a later state of the database than the present one, which was restored
    since, and is not used. table_oid: tells a table that was made anew. place: on which machine, in which folder.
    """

    identity = models.UUIDField(primary_key=True)
    source = models.CharField(max_length=40)
    place = models.CharField(max_length=1000)
    table_oid = models.BigIntegerField()
    rows = models.PositiveBigIntegerField()
    built_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.source}, {self.rows} rows, {self.built_at:%Y-%m-%d %H:%M}"
