"""Routes to the files of takes."""

from django.urls import path

from studio.takes.serving import rendition_content, rendition_download

urlpatterns = [
    path("renditions/<uuid:rendition_id>/content", rendition_content, name="rendition-content"),
    path("renditions/<uuid:rendition_id>/download", rendition_download, name="rendition-download"),
]
