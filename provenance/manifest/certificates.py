"""Builds the certificates of a development authority: a P-384 root and the P-256 leaf that signs claims.

The leaf follows the C2PA certificate profile as far as an own root can: extended key usage `emailProtection`
and `c2pa-kp-claimSigning`, at most 366 days, key identifiers on both certificates, and C, O and CN in the
subject. It carries no policy and no assurance level, because only an authority on the C2PA trust list may
assert those.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLAIM_SIGNING_EKU = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
ROOT_DAYS = 3650
LEAF_DAYS = 365
# Clocks of two machines differ by seconds; a certificate issued just now must already be valid on both.
CLOCK_SKEW = timedelta(minutes=5)
# ISO 3166 keeps ZZ free for private use; a development root cannot vouch for a country.
COUNTRY = "ZZ"


def new_root_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-384 key."""
    return ec.generate_private_key(ec.SECP384R1())


def new_leaf_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key, the curve of ES256."""
    return ec.generate_private_key(ec.SECP256R1())


def build_root(key: ec.EllipticCurvePrivateKey, organisation: str, now: datetime) -> x509.Certificate:
    """A self-signed root that may issue leaves, but no further authorities."""
    name = _name(organisation, f"{organisation} Slate development root")
    return (
        _skeleton(name, name, key.public_key(), now, ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(issues=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA384())
    )


def build_leaf(
    key: ec.EllipticCurvePublicKey,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    organisation: str,
    now: datetime,
) -> x509.Certificate:
    """A claim-signing certificate for `key`, valid for 365 days from `now`, or as long as the root."""
    days = min(LEAF_DAYS, (root.not_valid_after_utc - now).days)
    return (
        _skeleton(_name(organisation, f"{organisation} Slate claim signer"), root.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(issues=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, CLAIM_SIGNING_EKU]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA384())
    )


def organisation_of(certificate: x509.Certificate) -> str:
    """The O of the subject, or an empty string where it has none."""
    values = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(values[0].value) if values else ""


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _skeleton(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        content_commitment=not issues,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )
