"""What an actor may see of productions, sequences and shots."""

from studio.tenancy.querysets import InStudioQuerySet


class ProductionQuerySet(InStudioQuerySet):
    pass


class SequenceQuerySet(InStudioQuerySet):
    studio_path = "production__studio"


class ShotQuerySet(InStudioQuerySet):
    studio_path = "sequence__production__studio"
