"""What an actor may see of runs, and which runs wait or have gone silent."""

from datetime import datetime
from typing import Self

from studio.tenancy.querysets import InStudioQuerySet


class RunQuerySet(InStudioQuerySet):
    studio_path = "shot__sequence__production__studio"

    def waiting(self) -> Self:
        return self.filter(state="queued")

    def silent_since(self, moment: datetime) -> Self:
        """Running, but not heard of since `moment`."""
        return self.filter(state="running", heartbeat_at__lt=moment)
