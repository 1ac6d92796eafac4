"""The page of a take with its credentials, the public verify page, and the proofs to download."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from studio.credentials.forms import verify_upload
from studio.credentials.markpanel import certificate_panel, mark_panel
from studio.credentials.models import Credential
from studio.credentials.panel import gate_answers
from studio.credentials.services import credential_summary, root_certificate_pem
from studio.credentials.strips import Stretch, lanes
from studio.credentials.verification import Verification
from studio.errors import SlateError
from studio.pages import signed_in, visible_or_404
from studio.problems import with_retry_after
from studio.references.takematches import take_matches
from studio.takes.models import Rendition, Take
from studio.takes.recipes import recipe_rows
from studio.tenancy.permissions import Action, may


@signed_in
@require_safe
def take_page(request: HttpRequest, take_id: UUID) -> HttpResponseBase:
    takes = Take.objects.select_related("shot__sequence__production__studio", "created_by", "run")
    take = visible_or_404(takes, request.user, take_id)
    studio = take.shot.production.studio
    rendition = (
        Rendition.objects.servable()
        .visible_to(request.user)
        .select_related("credential", "watermark", "gate")
        .filter(take=take, kind=Rendition.Kind.MASTER)
        .first()
    )
    may_read_prompts = may(request.user, Action.READ_PROMPTS, studio)
    context: dict[str, Any] = {
        "take": take,
        "shot": take.shot,
        "rendition": rendition,
        "may_read_prompts": may_read_prompts,
        "may_generate": may(request.user, Action.GENERATE, studio),
        "recipe": recipe_rows(take.recipe, with_wording=may_read_prompts),
        "newer": take.shot.takes.filter(number__gt=take.number).order_by("number").first(),
        "older": take.shot.takes.filter(number__lt=take.number).order_by("-number").first(),
    }
    if rendition is not None:
        context |= {
            "summary": credential_summary(take),
            "gate": gate_answers(rendition.gate.layers),
            "certificate": certificate_panel(rendition.watermark),
        }
    duration_s = rendition.duration_seconds if rendition is not None else 0.0
    context |= take_matches(take, request.user, duration_s=duration_s, chosen=request.GET.get("match", ""))
    return render(request, "credentials/take.html", context | {"duration_s": duration_s})


@signed_in
@require_safe
def take_manifest(request: HttpRequest, take_id: UUID) -> HttpResponseBase:
    """The stored manifest, byte for byte: what a stripped copy lost."""
    take = visible_or_404(Take.objects.select_related("shot"), request.user, take_id)
    credential = get_object_or_404(
        Credential.objects.visible_to(request.user),
        rendition__take=take,
        rendition__kind=Rendition.Kind.MASTER,
        rendition__published_at__isnull=False,
    )
    response = HttpResponse(bytes(credential.manifest), content_type="application/c2pa")
    name = content_disposition_header(True, f"{take.shot.code}_{take.version}.c2pa")
    if name is not None:
        response["Content-Disposition"] = name
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
def trust_root(request: HttpRequest) -> HttpResponseBase:
    """The root certificate a stranger needs; public on purpose."""
    response = HttpResponse(root_certificate_pem(), content_type="application/x-pem-file")
    response["Content-Disposition"] = 'attachment; filename="slate-root.pem"'
    return response


# No token is asked for: the page changes nothing, serves people without a session, and a script may use it.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def verify_page(request: HttpRequest) -> HttpResponseBase:
    """Anybody may drop a clip here; the file is inspected in a child process and then removed."""
    context: dict[str, Any] = {"limit_mib": settings.SLATE_UPLOAD_LIMIT_MIB}
    template = "credentials/_verdict.html" if getattr(request, "htmx", False) else "credentials/verify.html"
    if request.method == "POST":
        try:
            context |= verdict_context(verify_upload(request))
        except SlateError as error:
            refused = render(request, template, {**context, "error": error}, status=error.status)
            return with_retry_after(refused, error)
    return render(request, template, context)


def verdict_context(verification: Verification) -> dict[str, Any]:
    """What the result shows; nothing of takes and works that the person may not see is in it."""
    duration_s = float(verification.media.get("duration_s") or 0.0)
    stretches = [
        Stretch(
            name=segment["name"],
            kind=segment["kind"],
            start_s=segment["query_start_s"],
            end_s=segment["query_end_s"],
            reference_start_s=segment["reference_start_s"],
            reference_end_s=segment["reference_end_s"],
            distance=segment["distance"],
            link=reverse("take", args=[segment["id"]]) if segment["kind"] == "take" and segment["id"] else "",
            method=segment["how"]["method"] if segment["how"] else "",
        )
        for segment in verification.segments
    ]
    layers = verification.layers
    return {
        "verification": verification,
        "lanes": lanes(stretches, duration_s),
        "duration_s": duration_s,
        "marks": [
            mark_panel(mark, layer)
            for layer in ("watermark", "sound")
            if layer in layers
            for mark in layers[layer]["details"].get("marks", ())
        ],
        "content": layers["fingerprint"]["details"].get("content"),
    }
