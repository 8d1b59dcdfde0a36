"""A small certificate authority: for the broker's own certificate where a district has none, and for gateways.

Times are aware datetimes. Keys are on the curve P-256, which every TLS library of the last ten years has.
"""

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from siaga.provision.damaged import DamagedFile

__all__ = ["Authority", "Issued"]

LASTS = timedelta(days=3_650)
"""The authority and its list of revoked certificates: ten years, so that nothing stops by itself unseen."""
CLIENT_LASTS = timedelta(days=1_825)
SERVER_LASTS = timedelta(days=825)
"""The longest that Apple's and other clients accept of a server."""
BACK = timedelta(days=2)
"""Certificates are valid from before they are made, because clocks of gateways may be behind."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, as PEM texts."""

    certificate: str
    key: str = field(repr=False)


class Authority:
    """A certificate authority: its certificate, its key, and the serial numbers that it has revoked."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    @classmethod
    def new(cls, name: str, now: datetime) -> "Authority":
        """Returns a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = _begin(subject, subject, key, now, LASTS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(identifier, critical=False)
        builder = builder.add_extension(_usage(ca=True), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def read(cls, certificate: str, key: str, filename: str) -> "Authority":
        """Returns the authority that was stored as PEM texts.

        Raises:
            DamagedFile: they are not a certificate and its key.
        """
        try:
            found = x509.load_pem_x509_certificate(certificate.encode())
            secret = serialization.load_pem_private_key(key.encode(), password=None)
        except (ValueError, TypeError):
            raise DamagedFile(f"{filename}: is not a certificate authority that siaga wrote") from None
        if not isinstance(secret, ec.EllipticCurvePrivateKey) or found.public_key() != secret.public_key():
            raise DamagedFile(f"{filename}: the certificate and the key do not belong together")
        return cls(found, secret)

    @property
    def stored(self) -> Issued:
        """The authority itself, as PEM texts."""
        return _pem(self._certificate, self._key)

    def server(self, host: str, now: datetime) -> Issued:
        """Returns a certificate for a broker at a host name or an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._begin(host, key, now, SERVER_LASTS, ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host)]), critical=False)
        return _pem(builder.sign(self._key, hashes.SHA256()), key)

    def client(self, name: str, now: datetime) -> Issued:
        """Returns a certificate for a client, whose user name at the broker is `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._begin(name, key, now, CLIENT_LASTS, ExtendedKeyUsageOID.CLIENT_AUTH)
        return _pem(builder.sign(self._key, hashes.SHA256()), key)

    def revoked(self, before: str | None, certificates: list[str], now: datetime) -> str:
        """Returns the list of revoked certificates: those of the list before, and these.

        Raises:
            DamagedFile: the list before is not one of this authority.
        """
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._certificate.subject)
        builder = builder.last_update(now - BACK).next_update(now + LASTS)
        serials: dict[int, datetime] = {}
        if before is not None:
            serials |= {entry.serial_number: entry.revocation_date_utc for entry in self._read_list(before)}
        for certificate in certificates:
            serials.setdefault(x509.load_pem_x509_certificate(certificate.encode()).serial_number, now)
        for serial, at in serials.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def _read_list(self, text: str) -> x509.CertificateRevocationList:
        try:
            found = x509.load_pem_x509_crl(text.encode())
        except ValueError:
            raise DamagedFile("ca.crl: is not a list of revoked certificates") from None
        if not found.is_signature_valid(self._key.public_key()):
            raise DamagedFile("ca.crl: is the list of another certificate authority")
        return found

    def issued(self, certificate: str) -> bool:
        """Returns whether a certificate is one of this authority."""
        try:
            x509.load_pem_x509_certificate(certificate.encode()).verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _begin(
        self, name: str, key: ec.EllipticCurvePrivateKey, now: datetime, lasts: timedelta, use: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        builder = _begin(_name(name), self._certificate.subject, key, now, lasts)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(ca=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        parent = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(parent, critical=False)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now.astimezone(UTC) - BACK).not_valid_after(now.astimezone(UTC) + lasts)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(certificate.public_bytes(serialization.Encoding.PEM).decode(), secret.decode())
