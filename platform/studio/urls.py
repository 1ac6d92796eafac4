"""Routes: pages, files, the API and the health checks."""

from django.urls import include, path

from studio.api.api import api

urlpatterns = [
    path("", include("studio.web.urls")),
    path("", include("studio.productions.urls")),
    path("", include("studio.runs.urls")),
    path("", include("studio.takes.urls")),
    path("", include("studio.credentials.urls")),
    path("", include("studio.references.urls")),
    path("", include("studio.ledger.urls")),
    path("accounts/", include("studio.accounts.urls")),
    path("api/v1/", api.urls),
]

handler400 = "studio.web.views.bad_request"
handler403 = "studio.web.views.forbidden"
handler404 = "studio.web.views.not_found"
