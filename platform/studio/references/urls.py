"""Routes to reference banks."""

from django.urls import path

from studio.references import views

urlpatterns = [
    path("references", views.bank_list, name="banks"),
    path("references/<uuid:bank_id>", views.bank_page, name="bank"),
]
