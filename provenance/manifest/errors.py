"""The errors of signing and reading credentials; each names a stable code and says what would be right."""

from provenance.errors import ProvenanceError


class AuthorityMissing(ProvenanceError):
    """There is no signing authority at the given place."""

    code = "authority_missing"


class AuthorityExists(ProvenanceError):
    """An authority is already there and is never overwritten."""

    code = "authority_exists"


class AuthorityUnreadable(ProvenanceError):
    """A file of the authority is missing, malformed, or cannot be opened."""

    code = "authority_unreadable"


class AuthorityExpired(ProvenanceError):
    """The claim-signing certificate is outside its validity period."""

    code = "authority_expired"


class KeyPermissionsOpen(ProvenanceError):
    """A private key can be read, or its folder written, by someone other than its owner."""

    code = "key_permissions_open"


class KeyMismatch(ProvenanceError):
    """A private key does not belong to the certificate beside it."""

    code = "key_mismatch"


class RootKeyAbsent(ProvenanceError):
    """The root key is kept elsewhere, so nothing new can be issued here."""

    code = "root_key_absent"


class StatementInvalid(ProvenanceError):
    """A statement about a take is incomplete, or says something a credential must not say."""

    code = "statement_invalid"


class DefinitionRefused(ProvenanceError):
    """A manifest breaks rules of the conformance rubric; `violations` lists them."""

    code = "definition_refused"

    def __init__(self, message: str, hint: str = "", *, violations: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.violations = violations


class FormatNotSignable(ProvenanceError):
    """The container cannot carry an embedded credential."""

    code = "format_not_signable"


class AlreadySigned(ProvenanceError):
    """The source carries a credential, and signing it as new would erase its history."""

    code = "already_signed"


class SigningFailed(ProvenanceError):
    """The file could not be signed; nothing was written at the destination."""

    code = "signing_failed"


class TrustAnchorsInvalid(ProvenanceError):
    """The text given as trusted certificates holds none, or holds something else."""

    code = "trust_anchors_invalid"


class TrustSelfTestFailed(ProvenanceError):
    """Signing or trust does not behave as it must on a file whose answer is known."""

    code = "trust_self_test_failed"
