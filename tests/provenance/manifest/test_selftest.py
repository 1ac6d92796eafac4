"""The self-test passes where signing and trust work, and fails loudly where they do not."""

import pytest

from provenance.manifest.errors import SigningFailed
from provenance.manifest.pki import Authority
from provenance.manifest.selftest import self_test


class Mixed:
    """An authority put together from two: one's root with the other's key."""

    def __init__(self, root: Authority, signer: Authority) -> None:
        self.root_pem = root.root_pem
        self.chain_pem = signer.chain_pem
        self.sign = signer.sign


def test_a_sound_authority_passes(authority: Authority) -> None:
    self_test(authority)


def test_an_authority_whose_root_does_not_match_fails(authority: Authority, stranger: Authority) -> None:
    with pytest.raises(SigningFailed):
        self_test(Mixed(authority, stranger))


def test_an_authority_without_a_root_fails(authority: Authority) -> None:
    rootless = Mixed(authority, authority)
    rootless.root_pem = ""
    with pytest.raises(SigningFailed):
        self_test(rootless)
