"""Routes to reference banks, their works and ingests."""

from django.urls import path

from studio.references import ingestviews, matchviews, views, workviews

urlpatterns = [
    path("references", views.bank_list, name="banks"),
    path("references/new", views.bank_new, name="bank-new"),
    path("references/common", views.common_content, name="bank-common"),
    path("references/<uuid:bank_id>", views.bank_page, name="bank"),
    path("references/<uuid:bank_id>/settings", views.bank_settings, name="bank-settings"),
    path("references/<uuid:bank_id>/shares", views.bank_share, name="bank-share"),
    path(
        "references/<uuid:bank_id>/shares/<uuid:studio_id>/withdraw", views.bank_unshare, name="bank-unshare"
    ),
    path("references/<uuid:bank_id>/export", views.bank_export, name="bank-export"),
    path("references/<uuid:bank_id>/import", views.bank_import, name="bank-import"),
    path("references/<uuid:bank_id>/uploads", ingestviews.upload, name="bank-upload"),
    path("ingests/<uuid:ingest_id>", ingestviews.ingest_page, name="ingest"),
    path("ingests/<uuid:ingest_id>/retry", ingestviews.ingest_retry, name="ingest-retry"),
    path("works/<uuid:work_id>", workviews.work_page, name="work"),
    path("works/<uuid:work_id>/standing", workviews.work_standing, name="work-standing"),
    path("works/<uuid:work_id>/notes", workviews.work_notes, name="work-notes"),
    path("works/<uuid:work_id>/delete", workviews.work_delete, name="work-delete"),
    path("matches/<uuid:match_id>", matchviews.match_page, name="match"),
    path("matches/<uuid:match_id>/replay", matchviews.match_replay, name="match-replay"),
    path("work-files/<uuid:work_file_id>", workviews.work_file, name="work-file"),
]
