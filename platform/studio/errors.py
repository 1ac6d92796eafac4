"""One shape for every error a person may see: a stable code, a sentence, and what would be right."""


class SlateError(Exception):
    """An error with a next step; pages, API, CLI and log all render this object.

    `status` is the HTTP status of the page or API answer, `exit_status` that of a command. `retry_after_s` is set
    where the very same request may succeed later.
    """

    code = "slate.error"
    status = 400
    exit_status = 1
    retry_after_s: int | None = None

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def render(self) -> str:
        """The error in one or two lines of plain text."""
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "hint": self.hint}

    @classmethod
    def of(cls, error: Exception) -> "SlateError":
        """Carry a library's error (anything with code, message and hint) over unchanged."""
        if isinstance(error, SlateError):
            return error
        return cls(
            getattr(error, "message", str(error)),
            getattr(error, "hint", ""),
            code=getattr(error, "code", None),
        )


class NotAllowed(SlateError):
    code = "permission.denied"
    status = 403


class InputRefused(SlateError):
    code = "input.refused"
    status = 422


class DatabaseUnavailable(SlateError):
    code = "database.unavailable"
    status = 503


class StorageUnavailable(SlateError):
    code = "storage.unavailable"
    status = 503


class PortTaken(SlateError):
    code = "serve.port_taken"
