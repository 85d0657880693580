"""A small certificate authority for tests, made fresh; nothing of it is ever trusted elsewhere."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from privata.infra.tls import client_context

_numbers = itertools.count(1)


@dataclass
class Authority:
    """A root that signs server certificates into `folder`.

    By RFC 5280 in every point, so that the strictest client takes it; a `bare` one is made as old
    private authorities are: without key identifiers and without a key usage.
    """

    folder: Path
    bare: bool = False

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("Test Root")
        builder = _builder(self.name, self.name, self.key, days=30).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        if not self.bare:
            builder = _identified(builder, self.key, self.key).add_extension(
                _usage(signs_certificates=True), critical=True
            )
        self.root = builder.sign(self.key, hashes.SHA256())

    def trusting(self) -> ssl.SSLContext:
        """Our own client context, which trusts this root alone."""
        return client_context(roots=pem(self.root))

    def server(
        self,
        *names: str,
        days: int = 30,
        self_signed: bool = False,
        common_name_only: bool = False,
    ) -> ssl.SSLContext:
        """A server context with a certificate for these names; negative days: expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0])
        signer = key if self_signed else self.key
        builder = _builder(subject, subject if self_signed else self.name, key, days=days)
        if not self.bare:
            builder = (
                _identified(builder, key, signer)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(_usage(signs_certificates=False), critical=True)
                .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            )
        if not common_name_only:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), False
            )
        return self._served(key, [builder.sign(signer, hashes.SHA256())])

    def intermediate(self) -> Authority:
        """An issuing authority that this root has signed."""
        made = Authority(self.folder)
        made.name = _name("Test Issuing Authority")
        made.root = (
            _identified(_builder(made.name, self.name, made.key, days=30), made.key, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return made

    def _served(
        self, key: ec.EllipticCurvePrivateKey, chain: Sequence[x509.Certificate]
    ) -> ssl.SSLContext:
        path = self.folder / f"server-{next(_numbers)}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_text(private.decode() + "".join(map(pem, chain)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def pem(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    if name[0].isdigit():
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _identified(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    """With the identifiers of its own key and of the key that signs it (RFC 5280, 4.2.1.1-2)."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signers = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(own, False).add_extension(signers, False)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
    )
