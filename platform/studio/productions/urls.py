"""Routes to productions, their sequences and shots."""

from django.urls import path

from studio.productions import views

urlpatterns = [
    path("productions", views.production_list, name="productions"),
    path("productions/new", views.production_new, name="production-new"),
    path("productions/<uuid:production_id>", views.production_page, name="production"),
    path("productions/<uuid:production_id>/mark-profile", views.mark_profile, name="mark-profile"),
    path("productions/<uuid:production_id>/sequences", views.sequence_new, name="sequence-new"),
    path("sequences/<uuid:sequence_id>/shots", views.shot_new, name="shot-new"),
]
