"""Routes to takes with their credentials, to verification and to the public root certificate."""

from django.urls import path

from studio.credentials import views

urlpatterns = [
    path("takes/<uuid:take_id>", views.take_page, name="take"),
    path("takes/<uuid:take_id>/manifest.c2pa", views.take_manifest, name="take-manifest"),
    path("trust/root.pem", views.trust_root, name="trust-root"),
    path("verify", views.verify_page, name="verify"),
]
