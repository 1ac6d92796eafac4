"""Routes that belong to no single part of Slate."""

from django.urls import path

from studio.web.views import healthz, home, readyz

urlpatterns = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
