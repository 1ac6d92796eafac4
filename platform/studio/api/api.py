"""The API: one object, one shape of errors, a session for everything that is not public."""

from ninja import NinjaAPI
from ninja.security import SessionAuth

from studio.api.errors import add_error_handlers
from studio.credentials.api import router as credentials
from studio.productions.api import router as productions
from studio.references.api import router as references
from studio.runs.api import router as runs
from studio.takes.api import router as takes

api = NinjaAPI(
    title="Slate",
    version="1",
    description="Productions, shots, runs, takes and reference banks of a studio, and the verification of any clip.",
    auth=SessionAuth(),
    docs_url=None,
    urls_namespace="api",
)
add_error_handlers(api)
for router in (productions, runs, takes, references, credentials):
    api.add_router("", router)
