"""Lists a studio's watermark keys and makes a fresh one, without printing a secret; says which engines there are."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provenance.watermark.engines import all_engines
from studio.credentials.models import WatermarkRecord
from studio.credentials.services import watermark_key
from studio.installation import prepare
from studio.tenancy.actors import MACHINE_OPERATOR
from studio.tenancy.models import Studio
from studio.tenancy.services import rotate_watermark_key


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Watermark keys of a studio, and engines: watermark keys | rotate --studio SLUG | engines"

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        keys = verbs.add_parser(
            "keys", help="list the keys by epoch, newest first, and how many takes carry each"
        )
        keys.add_argument("--studio", default="", help="slug of the studio (default: every one)")
        rotate = verbs.add_parser("rotate", help="a fresh key for takes begun from now on")
        rotate.add_argument("--studio", required=True, help="slug of the studio")
        engines = verbs.add_parser("engines", help="list the watermark engines, and why one is off")
        engines.add_argument("--weights", type=Path, help="a weights.toml that declares neural engines")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "engines":
            self.list_engines(options["weights"])
            return
        prepare()
        studios = Studio.objects.order_by("created_at")
        if options["studio"]:
            studios = studios.filter(slug=options["studio"])
        if not studios:
            known = ", ".join(Studio.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no studio {options['studio']!r}. Known: {known}.")
        if options["verb"] == "rotate":
            self.rotate(studios[0])
        else:
            for studio in studios:
                self.list_keys(studio)

    def rotate(self, studio: Studio) -> None:
        changed = rotate_watermark_key(studio, actor=MACHINE_OPERATOR)
        self.stdout.write(
            f"{changed.name}: takes begun from now on are marked with the key of epoch {changed.watermark_epoch}. "
            f"All {changed.watermark_epoch} keys are looked for in clips."
        )

    def list_keys(self, studio: Studio) -> None:
        self.stdout.write(f"{studio.name} ({studio.slug})")
        for epoch in studio.watermark_epochs:
            key_id = watermark_key(studio, epoch).key_id
            takes = WatermarkRecord.objects.filter(key_id=key_id).count()
            use = "new takes" if epoch == studio.watermark_epoch else "detection only"
            self.stdout.write(f"  epoch {epoch:<3} {use:<15} {takes} take{'s' if takes != 1 else ''}")

    def list_engines(self, weights_file: Path | None) -> None:
        for engine in all_engines(weights_file).values():
            info = engine.info()
            state = "ready" if info.is_available else f"off: {info.reason}"
            self.stdout.write(f"{info.name:<10} {info.channel_bits} bits, {info.licence}, {state}")
