"""Routes to the audit log."""

from django.urls import path

from studio.ledger import views

urlpatterns = [
    path("audit", views.audit, name="audit"),
    path("audit.csv", views.audit_csv, name="audit-csv"),
]
