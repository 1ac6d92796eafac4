"""What an actor may see of takes, and which renditions may be served."""

from typing import Self

from studio.tenancy.querysets import InStudioQuerySet


class TakeQuerySet(InStudioQuerySet):
    studio_path = "shot__sequence__production__studio"


class RenditionQuerySet(InStudioQuerySet):
    studio_path = "take__shot__sequence__production__studio"

    def servable(self) -> Self:
        """Only what the database has accepted as signed, marked and gated."""
        return self.filter(published_at__isnull=False)
