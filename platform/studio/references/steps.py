"""Looks a rendered take up in the studio's banks before it is signed, and keeps its fingerprints."""

from provenance.fingerprint.keyframes import as_reference
from studio.references.matching import keep_matches, state_for
from studio.references.search import find_works
from studio.references.storing import store_fingerprints
from studio.runs.steps import Draft, step
from studio.takes.models import Rendition, Take


@step("matching")
def match(draft: Draft) -> None:
    """A take that shows a stretch of a reference work goes to review or is blocked instead of being released."""
    clip = draft.rendered.fingerprint
    found = find_works(clip, [draft.studio.pk], path=draft.path)
    draft.state = state_for(found)

    def write(take: Take, _rendition: Rendition) -> None:
        store_fingerprints(as_reference(clip), take=take)
        keep_matches(take, found, draft.studio)

    draft.records.append(write)
