"""Pictures with content credentials, signed by a certificate made on the spot."""

import datetime
import io
from functools import cache
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
)

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_NO_USE = dict.fromkeys(
    (
        *("digital_signature", "content_commitment", "key_encipherment"),
        *("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
        *("encipher_only", "decipher_only"),
    ),
    False,
)


def manifest(
    source_type: str = "digitalCreation", name: str = "Drawn"
) -> dict[str, Any]:
    """What credentials are to state."""
    action = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPES + source_type,
    }
    return {
        "claim_generator_info": [{"name": name, "version": "1.2"}],
        "title": "a title that nobody shows",
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }


def signed(
    picture: bytes,
    mime_type: str,
    states: dict[str, Any],
    *,
    ocsp: str = "",
    remote: str = "",
    ingredient: bytes | None = None,
) -> bytes:
    """Sign a picture.

    `ocsp` is where the certificate says that its status is told, `remote` where the
    file says that its credentials are kept, in it no more; `ingredient` a picture of
    the same format that it is made from.
    """
    certificates, key = _chain(ocsp)
    information = c2pa.C2paSignerInfo(
        c2pa.C2paSigningAlg.ES256, certificates, key, None
    )
    out = io.BytesIO()
    with c2pa.Signer.from_info(information) as signer, c2pa.Builder(states) as builder:
        if remote:
            builder.set_remote_url(remote)
            builder.set_no_embed()
        if ingredient is not None:
            about = {"title": "part", "relationship": "componentOf"}
            builder.add_ingredient(about, mime_type, io.BytesIO(ingredient))
        builder.sign(signer, mime_type, io.BytesIO(picture), out)
    return out.getvalue()


@cache
def _chain(ocsp: str) -> tuple[bytes, bytes]:
    """A leaf and its issuer as PEM, and the leaf's key; valid for two days."""
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name, leaf_name = _name("Test root"), _name("Test signer")
    root = (
        _certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.KeyUsage(**_NO_USE | {"key_cert_sign": True}), True)
        .sign(root_key, hashes.SHA256())
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    leaf = (
        _certificate(leaf_name, root_name, leaf_key.public_key())
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.KeyUsage(**_NO_USE | {"digital_signature": True}), True)
        .add_extension(purpose, False)
        .add_extension(issuer, False)
    )
    if ocsp:
        place = x509.UniformResourceIdentifier(ocsp)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        leaf = leaf.add_extension(x509.AuthorityInformationAccess([access]), False)
    pem = serialization.Encoding.PEM
    chain = leaf.sign(root_key, hashes.SHA256()).public_bytes(pem)
    key = leaf_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return chain + root.public_bytes(pem), key


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Nobody"),
        ]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )
