"""Hands out copies of takes, lists them, and says whose copy a clip was made from.

Exit status of `trace`: 0 somebody is named, 1 not decidable, 3 unreadable.
"""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from tqdm import tqdm

from studio.accounts.models import User
from studio.errors import InputRefused, SlateError
from studio.handouts.models import Copy
from studio.handouts.services import copies_of, fetch_copy, hand_out_copy
from studio.handouts.tracing import Answer, trace_clip
from studio.installation import prepare
from studio.output import require_writable
from studio.takes.models import Take
from studio.tenancy.actors import MACHINE_OPERATOR

NOT_DECIDABLE, UNREADABLE = 1, 3


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Copies for recipients: copies make TAKE --to NAME, copies list TAKE, copies trace FILE"

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        make = verbs.add_parser(
            "make", help="the copy of a take for one recipient; the same one when asked again"
        )
        make.add_argument("take", metavar="TAKE", help="the take's id")
        make.add_argument(
            "--to", required=True, metavar="NAME", help="who gets it; kept in the database only"
        )
        make.add_argument("--out", type=Path, default=None, help="also write the signed file here")
        listing = verbs.add_parser("list", help="who has a copy of a take")
        listing.add_argument("take", metavar="TAKE", help="the take's id")
        tracing = verbs.add_parser("trace", help="whose copy a clip was made from")
        tracing.add_argument("file", type=Path, metavar="FILE")
        tracing.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        for verb in (make, listing, tracing):
            verb.add_argument("--as", dest="email", default="", help="in the name of this person")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "trace":
            self.trace(options)
            return
        out: Path | None = options.get("out")
        if out is not None:
            require_writable(out, "copy.mp4")
        prepare()
        actor = find_actor(options["email"])
        take = find_take(options["take"], actor)
        if options["verb"] == "list":
            self.list(take, actor)
        else:
            self.make(take, options["to"], out, actor)

    def make(self, take: Take, recipient: str, out: Path | None, actor: Any) -> None:
        layout = "{desc:<18} {percentage:3.0f}%|{bar:30}| {elapsed}"
        with tqdm(total=1.0, bar_format=layout, disable=not sys.stderr.isatty()) as bar:

            def show(stage: str, progress: float) -> None:
                bar.set_description_str(stage)
                bar.update(max(0.0, progress - bar.n))

            copy = hand_out_copy(take, recipient, actor=actor, on_progress=show)
        if out is not None:
            fetch_copy(copy, out, actor=actor)
        rows = {
            "copy": f"{copy}  ({copy.pk})",
            "letters": f"{len(copy.word)}, chance of naming somebody innocent below {copy.p_chance:.0e}",
            "credential": copy.manifest_id,
            "sha256": copy.sha256,
            "path": str(out) if out is not None else "not written; give --out FILE",
        }
        for name, value in rows.items():
            self.stdout.write(f"{name:<11} {value}")

    def list(self, take: Take, actor: Any) -> None:
        copies = copies_of(take, actor=actor)
        for copy in copies:
            self.stdout.write(f"{copy.made_at:%Y-%m-%d %H:%M}  {copy.pk}  {copy.recipient}{by(copy)}")
        self.stdout.write(f"{take}: {len(copies)} cop{'y' if len(copies) == 1 else 'ies'} handed out.")

    def trace(self, options: dict[str, Any]) -> None:
        try:
            prepare()
            answer = trace_clip(options["file"], actor=find_actor(options["email"]))
        except SlateError as error:
            if options["json"]:
                self.stdout.write(json.dumps({"error": error.as_dict()}, indent=2))
            else:
                self.stderr.write(error.render())
            sys.exit(UNREADABLE)
        if options["json"]:
            self.stdout.write(json.dumps(answer.as_dict(), indent=2))
        else:
            self.show(answer)
        sys.exit(0 if answer.named else NOT_DECIDABLE)

    def show(self, answer: Answer) -> None:
        self.stdout.write(answer.headline)
        for one in answer.named:
            self.stdout.write(
                f"  {one.copy.recipient}: chance would name somebody innocent as clearly "
                f"in at most {one.p_chance:.1e} of all cases ({one.copy.pk})"
            )
        if answer.copies:
            self.stdout.write(f"  {answer.copies} copies compared, {answer.letters or 'all'} letters read")


def find_actor(email: str) -> Any:
    if not email:
        return MACHINE_OPERATOR
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise InputRefused(f"Nobody here has the address {email}.", "Give the e-mail of an existing account.")
    return user


def find_take(text: str, actor: Any) -> Take:
    try:
        take_id = UUID(text)
    except ValueError as error:
        raise InputRefused(f"{text!r} is not the id of a take.", "See it on the take's page.") from error
    related = "shot__sequence__production__studio"
    take: Take | None = Take.objects.select_related(related).visible_to(actor).filter(pk=take_id).first()
    if take is None:
        raise InputRefused(f"There is no take {take_id}.", "See its id on the take's page.")
    return take


def by(copy: Copy) -> str:
    return f"  (made by {copy.made_by.name})" if copy.made_by else ""
