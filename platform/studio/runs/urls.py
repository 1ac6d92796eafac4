"""Routes to shots and their runs."""

from django.urls import path

from studio.runs import views

urlpatterns = [
    path("shots/<uuid:shot_id>", views.shot_page, name="shot"),
    path("shots/<uuid:shot_id>/runs", views.run_new, name="run-new"),
    path("runs/<uuid:run_id>", views.run_status, name="run"),
    path("runs/<uuid:run_id>/cancel", views.run_cancel, name="run-cancel"),
]
