"""What a process under test finds instead of the world: whom it trusts, where a host is."""

import os
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST: Final = "destination.test"
# Python runs this before the program; addresses are read anew whenever they are asked for.
_SITE: Final = f"""\
import os, socket

import certifi

certifi.where = lambda: os.environ["FAULTS_AUTHORITY"]
_look_up = socket.getaddrinfo


def getaddrinfo(host, *arguments, **named):
    if host != "{HOST}":
        return _look_up(host, *arguments, **named)
    with open(os.environ["FAULTS_ADDRESSES"]) as file:
        addresses = file.read().split()
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [one for address in addresses for one in _look_up(address, *arguments, **named)]


socket.getaddrinfo = getaddrinfo
"""


class Surroundings:
    """An authority of our own in a folder, and the environment in which processes trust it and know HOST."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("an authority")
        authority = self._certificate(self._name, self._key, days=1, authority=True)
        (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self.resolve()

    @property
    def environ(self) -> Mapping[str, str]:
        """What is added to the environment of the processes."""
        path = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH"))))
        return {
            "PYTHONPATH": path,
            "FAULTS_AUTHORITY": str(self.folder / "authority.pem"),
            "FAULTS_ADDRESSES": str(self.folder / "addresses"),
        }

    def resolve(self, *addresses: str) -> None:
        """Let HOST have these addresses from now on; none: there is no such host."""
        aside = self.folder / "aside"
        aside.write_text(" ".join(addresses), encoding="utf-8")
        aside.replace(self.folder / "addresses")

    def greeting(self, host: str = "127.0.0.1", *, days: int = 1, own: bool = False) -> ssl.SSLContext:
        """Give the context of a server: a certificate for a host: over if `days` are negative, self-signed if `own`."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_named(host), key, days=days, host=host, own=own)
        path = self.folder / f"{host}-{days}-{own}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        days: int,
        host: str = "",
        authority: bool = False,
        own: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if own else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            named: x509.GeneralName = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([named]), critical=False)
        return builder.sign(key if own else self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
