"""Signs a copy made for one recipient: its credential names the released take it was made from, and nobody."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from c2pa import Builder, C2paError

from provenance.manifest.definition import ACTIONS_LABEL
from provenance.manifest.errors import SigningFailed
from provenance.manifest.signing import ClaimSigner, SignedFile, sign_definition
from provenance.manifest.sniffing import sniff
from provenance.manifest.statement import Generator, SourceType

COPY_LABEL = "org.slate.copy"
COPY_RECORD_VERSION = 1
_PARENT = "released-take"


@dataclass(frozen=True)
class CopyStatement:
    """Everything the credential of a copy says. `copy_id` is a random identifier; there is no place for a name.

    `created_at` carries its time zone. `source_type` is that of the take, repeated for readers that look no
    further than the copy itself.
    """

    title: str
    take_id: str
    copy_id: str
    created_at: datetime
    generator: Generator
    source_type: SourceType = SourceType.TRAINED_ALGORITHMIC


def sign_copy(
    source: Path, dest: Path, statement: CopyStatement, parent: Path, authority: ClaimSigner
) -> SignedFile:
    """Write `source` with a credential of its own to `dest`, whose parent is the signed take at `parent`.

    Nothing appears at `dest` unless the written file reads back as trusted and conforming. Raises what
    `sign_file` raises, and SigningFailed where the parent cannot be read.
    """

    def name_parent(builder: Builder) -> None:
        mime_type = sniff(parent).mime_type
        ingredient = {"title": f"Take {statement.take_id}", "relationship": "parentOf", "label": _PARENT}
        try:
            with parent.open("rb") as stream:
                builder.add_ingredient(json.dumps(ingredient), mime_type, stream)
        except (C2paError, OSError) as error:
            raise SigningFailed(
                f"The take the copy was made from cannot be read: {' '.join(str(error).split())[:200]}",
                "Bring its file back from a backup; it is checked against its digest.",
            ) from error

    return sign_definition(
        source,
        dest,
        copy_definition(statement),
        authority,
        statement.generator.spec_version,
        complete=name_parent,
    )


def copy_definition(statement: CopyStatement) -> dict[str, Any]:
    """The manifest definition of a copy; pure. The parent it names must be added to the builder."""
    when = statement.created_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    generator = statement.generator
    actions = [
        {"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": [_PARENT]}},
        {"action": "c2pa.transcoded", "when": when, "digitalSourceType": str(statement.source_type)},
    ]
    record = {
        "recordVersion": COPY_RECORD_VERSION,
        "takeId": statement.take_id,
        "copyId": statement.copy_id,
    }
    return {
        "title": statement.title,
        "claim_generator_info": [
            {
                "name": generator.name,
                "version": generator.version,
                "specVersion": generator.spec_version,
            }
        ],
        "assertions": [
            {
                "label": ACTIONS_LABEL,
                "created": True,
                "data": {"actions": actions, "allActionsIncluded": True},
            },
            {"label": COPY_LABEL, "created": True, "data": record},
        ],
    }
