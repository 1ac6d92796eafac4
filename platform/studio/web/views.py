"""The front door, the health checks, and what people see when something goes wrong."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.problems import problem
from studio.web.health import examine


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """People who are signed in go to their productions; anybody else may verify a clip."""
    return redirect("productions" if request.user.is_authenticated else "verify")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Every check by name; 503 while any of them fails."""
    findings = examine()
    ready = all(finding.ok for finding in findings.values())
    body = {"ready": ready, "checks": {name: finding.as_dict() for name, finding in findings.items()}}
    return JsonResponse(body, status=200 if ready else 503)


def _error(request: HttpRequest, status: int, code: str, message: str, hint: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem(status, code, message, hint)
    error = {"code": code, "message": message, "hint": hint, "status": status}
    template = "web/_error.html" if getattr(request, "htmx", False) else "web/error.html"
    return render(request, template, {"error": error}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(
        request,
        400,
        "request.malformed",
        "The request could not be read.",
        "Go back, reload the page and try again; a form may take less than 1 MiB of text.",
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403, "permission.denied", "You may not do this.", "Ask a production manager.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(
        request,
        404,
        "page.not_found",
        "There is nothing at this address, or it is not yours to see.",
        "Check the address, or ask somebody of the studio it belongs to.",
    )
