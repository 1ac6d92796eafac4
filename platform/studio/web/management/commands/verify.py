"""Says of any file what each layer found and whose take it is.

Exit status: 0 recognised and intact, 1 not recognised, 2 recognised but altered or contradictory, 3 unreadable.
"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from provenance.media import Limits
from studio.accounts.models import User
from studio.credentials.verification import Verification, verify_file
from studio.errors import SlateError
from studio.installation import prepare
from studio.tenancy.actors import MACHINE_OPERATOR

UNREADABLE = 3


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Verify a file: credential, watermark, fingerprint, and whose take it is."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        parser.add_argument("--as", dest="email", default="", help="answer as this person would see it")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            prepare()
            actor = self.actor(options["email"])
            verification = verify_file(path, actor=actor, file_name=path.name, limits=Limits())
        except SlateError as error:
            self.report_error(error, as_json=options["json"])
            sys.exit(UNREADABLE)
        if options["json"]:
            self.stdout.write(json.dumps(verification.as_dict(), indent=2))
        else:
            self.show(verification)
        sys.exit(verification.verdict.exit_code)

    def actor(self, email: str) -> Any:
        if not email:
            return MACHINE_OPERATOR
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise SlateError(
                f"Nobody here has the address {email}.", "Give the e-mail of an existing account."
            )
        return user

    def report_error(self, error: SlateError, *, as_json: bool) -> None:
        if as_json:
            answer = {"outcome": "unreadable", "exit_status": UNREADABLE, "error": error.as_dict()}
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            self.stderr.write(error.render())

    def show(self, verification: Verification) -> None:
        write = self.stdout.write
        write(verification.verdict.headline)
        for name, layer in verification.layers.items():
            write(f"  {name:<12} {layer['state']:<16} {layer['summary']}")
        for segment in verification.segments:
            write(
                f"  {segment['query_start_s']:7.2f}–{segment['query_end_s']:.2f} s  shows  "
                f"{segment['name']}  {segment['reference_start_s']:.2f}–{segment['reference_end_s']:.2f} s "
                f"(mean distance {segment['distance']:.0f} of 256 bits)"
            )
        if verification.verdict.take_id:
            write(f"  take         {verification.verdict.take_id}")
        for reason in verification.verdict.reasons:
            write(f"  · {reason.sentence}")
