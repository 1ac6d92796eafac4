"""Refuses an upload as soon as it grows over the limit, instead of after it filled the disk."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler


class CappedTemporaryFileUploadHandler(TemporaryFileUploadHandler):
    """Spools to disk; stops reading once the request's files exceed SLATE_UPLOAD_LIMIT_MIB.

    The request is marked (`request.upload_over_limit_mib`), so that the view can say what happened.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.received_bytes = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received_bytes += len(raw_data)
        if self.received_bytes > settings.SLATE_UPLOAD_LIMIT_MIB << 20:
            if self.request is not None:
                self.request.upload_over_limit_mib = settings.SLATE_UPLOAD_LIMIT_MIB
            self.upload_interrupted()
            raise StopUpload(connection_reset=False)
        super().receive_data_chunk(raw_data, start)
