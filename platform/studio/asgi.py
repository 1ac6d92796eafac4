"""The web server's door: an ASGI application over the settings' database."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from studio.bodies import LimitBodies

application = LimitBodies(get_asgi_application(), upload_bytes=settings.SLATE_UPLOAD_LIMIT_MIB << 20)
