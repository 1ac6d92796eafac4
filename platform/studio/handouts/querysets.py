"""What an actor may see of pairs and copies: their studios' own, and nobody else's."""

from studio.tenancy.querysets import InStudioQuerySet


class OfTakeQuerySet(InStudioQuerySet):
    studio_path = "take__shot__sequence__production__studio"
