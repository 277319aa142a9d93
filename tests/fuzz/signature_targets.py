"""What strangers may send to a source's address: it is believed only with a proof, and nothing else ever happens."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import product
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from mappings.platform import Delivery, Headers, Platform, SignatureError
from mappings.reading import MalformedError, MappingError, parse
from mappings.registry import PLATFORMS
from tests.fuzz.choices import Choices
from tests.fuzz.corpus import NASTY_BODIES, NASTY_HEADERS, PLAIN
from tests.fuzz.deliveries import demand

Pairs: TypeAlias = list[tuple[bytes, bytes]]

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
SECRETS: Final = ("c2VjcmV0LW9mLXRoZS1zaG9wLW51bWJlci1vbmU=", 'it\'s <second> & "last"')
STRANGERS: Final = ("c3RyYW5nZXI=", "secret", "0")
BODIES: Final = (PLAIN, *(body for body in NASTY_BODIES.values() if len(body) < 1_000))
TOLERANCE: Final = timedelta(minutes=5)
LONGEST_LABEL: Final = 600

ADOBE: Final = "https://static.adobeioevents.com/prod/keys/"
CLIENT: Final = "0123456789abcdef0123456789abcdef"
EVENT: Final = (
    b'{"recipient_client_id": "0123456789abcdef0123456789abcdef", "specversion": "1.0", "type": "observer.x"}'
)
KEY_PATHS: Final = (b"/prod/keys/pub-key-first00001.pem", b"/prod/keys/pub-key-second0002.pem")


def raw(headers: dict[str, str]) -> Pairs:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def proofs(platform: Platform, pairs: Pairs, body: bytes) -> set[bytes]:
    """Give every value that would prove this body, made by whoever knows a secret, from what the headers say."""
    said = [value.decode("latin-1") for _, value in pairs]
    seconds = {int(one) for one in said if one.isascii() and one.isdigit() and len(one) < 12}
    moments = {datetime.fromtimestamp(one, timezone.utc) for one in seconds if abs(one - NOW.timestamp()) <= 300}
    topic, found = next(iter(platform.topics)), set[bytes]()
    for name, moment in product({"", *said}, moments | {NOW}):
        # What a stranger would write there too proves nothing.
        plain = set(raw(platform.sign(topic, body, STRANGERS[0], name, moment)))
        for secret, signed in product(
            SECRETS, {body, _without_spaces(body)} if platform.name == "voucherify" else {body}
        ):
            found |= {value for _, value in set(raw(platform.sign(topic, signed, secret, name, moment))) - plain}
    return found


def _without_spaces(body: bytes) -> bytes:
    """Leave out the spaces between the values of a body, as Voucherify does before it signs."""
    found, quoted, escaped = bytearray(), False, False
    for byte in body:
        if quoted or byte not in b" \t\r\n":
            found.append(byte)
        quoted ^= byte == ord('"') and not escaped
        escaped = quoted and byte == ord("\\") and not escaped
    return bytes(found)


def signatures(data: bytes) -> None:
    """Demand that a delivery is believed only when a secret of the source signed it; all else is a SignatureError."""
    choices = Choices(data)
    platform = choices.pick(list(PLATFORMS.values()))
    body, secret = choices.pick(BODIES), choices.pick(SECRETS)
    moment = NOW + timedelta(seconds=choices.below(60_000) - 30_000) if choices.chance() else NOW
    genuine = raw(platform.sign(choices.pick(list(platform.topics)), body, secret, "delivery-1", moment))
    pairs, sent = list(genuine), body
    for _ in range(choices.below(5)):
        pairs, sent = _tampered(platform, pairs, sent, choices)
    names = {name for name, _ in genuine}
    untouched = sent == body and [one for one in pairs if one[0] in names] == genuine
    headers = Headers(pairs)
    believed = _believes(lambda: platform.verify(headers, sent, SECRETS, NOW), pairs)
    if believed:
        proven = proofs(platform, pairs, sent)
        demand("only what is signed is believed", kept=any(proof in value for _, value in pairs for proof in proven))
    if untouched and abs(moment - NOW) <= TOLERANCE:
        demand("what is signed is believed", kept=believed)
    demand(
        "nothing is believed without a secret",
        kept=not _believes(lambda: platform.verify(headers, sent, (), NOW), pairs),
    )
    _read_the_rest(platform, headers, sent)


def _believes(verify: Callable[[], None], pairs: Pairs) -> bool:
    try:
        verify()
    except SignatureError as error:
        said = str(error).encode()
        demand("a refusal repeats nothing", kept=not any(len(value) > 15 and value in said for _, value in pairs))
        return False
    return True


def _read_the_rest(platform: Platform, headers: Headers, body: bytes) -> None:
    topic, name = platform.topic(headers), platform.delivery_id(headers)
    demand("labels are bounded", kept=len(topic) <= LONGEST_LABEL and len(name) <= LONGEST_LABEL)
    demand("a ping is told from its request", kept=platform.is_ping(headers, body) in {True, False})
    kept = platform.strip(body) if platform.strip else body
    try:
        node = parse(kept)
    except MalformedError:
        return
    delivery = Delivery(source="shop", topic=topic, delivery_id=name, received_at=NOW, body=kept)
    try:
        demand("a route is a text", kept=isinstance(platform.route(delivery, node), str))
    except MappingError as error:
        demand("a path begins at the body", kept=error.path.startswith("$"))


def _tampered(  # noqa: PLR0911 - one for each way
    platform: Platform, pairs: Pairs, body: bytes, choices: Choices
) -> tuple[Pairs, bytes]:
    """Change one thing, as somebody would who knows everything but the secrets."""
    at = choices.below(len(pairs)) if pairs else 0
    name, value = pairs[at] if pairs else (b"x", b"")
    before, after = pairs[:at], pairs[at + 1 :]
    topic = next(iter(platform.topics))
    match choices.below(9):
        case 0:
            return [*before, (name, choices.pick(NASTY_HEADERS)), *after], body
        case 1:
            return [*before, *after], body
        case 2:
            return [*pairs, (name, value if choices.chance() else choices.pick(NASTY_HEADERS))], body
        case 3:
            cut = choices.below(len(value) + 1)
            return [*before, (name, value[:cut] + choices.take(2) + value[cut + choices.below(2) :]), *after], body
        case 4:
            cut = choices.below(len(body) + 1)
            return pairs, body[:cut] + choices.take(2) + body[cut + choices.below(2) :]
        case 5:
            digest = hmac.digest(SECRETS[0].encode(), body, choices.pick(["sha1", "md5", "sha512"]))
            plain = hashlib.sha256(SECRETS[0].encode() + b"\0").digest()
            forged = choices.pick([digest.hex().encode(), base64.b64encode(digest), base64.b64encode(plain)])
            return [*before, (name, forged), *after], body
        case 6:
            return raw(platform.sign(topic, body, choices.pick(STRANGERS), "delivery-1", NOW)), body
        case 7:
            return [*pairs, (choices.latin(20).lower().encode(), choices.take(40))], body
        case _:
            other = choices.pick(list(PLATFORMS.values()))
            return [*pairs, *raw(other.sign(next(iter(other.topics)), body, STRANGERS[0], "d", NOW))], body


@cache
def _pair() -> tuple[RSAPrivateKey, bytes]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key, key.public_key().public_bytes(encoding, form)


def public_keys(data: bytes) -> None:
    """Demand that strangers lead us to no other host, and that what no private key has signed is not believed."""
    choices = Choices(data)
    for platform in PLATFORMS.values():
        if platform.public_keys is not None:
            _published(platform, choices)


def _published(platform: Platform, choices: Choices) -> None:
    assert platform.public_keys is not None
    key, pem = _pair()
    secrets = choices.pick([(f"adobe:{CLIENT}",), ("token", f"adobe:{CLIENT}"), ("token",), ("adobe:",), ()])
    signature = base64.b64encode(key.sign(EVENT, PKCS1v15(), hashes.SHA256()))
    pairs = [(b"x-adobe-digital-signature-1", signature), (b"x-adobe-public-key1-path", KEY_PATHS[0])]
    pairs += [(b"x-adobe-digital-signature-2", b"AAAA"), (b"x-adobe-public-key2-path", KEY_PATHS[1])]
    body = EVENT
    for _ in range(choices.below(5)):
        pairs, body = _tampered(platform, pairs, body, choices)
    found: list[Sequence[str]] = []
    headers, proof = Headers(pairs), platform.public_keys
    if not _believes(lambda: found.append(proof.urls(headers, body, secrets)), pairs) or not found[0]:
        return
    demand("keys lie at one host only", kept=all(_is_key(url) for url in found[0]))
    demand("only a source that takes these asks for keys", kept=any(CLIENT in secret for secret in secrets))
    fetched = {url: choices.pick([pem, pem, b"", b"no key", pem[:200]]) for url in found[0]}
    if _believes(lambda: proof.verify(headers, body, secrets, fetched), pairs):
        demand("only what is signed is believed", kept=any(_is_signed(value, body) for _, value in pairs))


def _is_key(url: str) -> bool:
    name = url.removeprefix(ADOBE)
    return url.startswith(ADOBE) and name.isascii() and name.isprintable() and not set(name) & set("/?#%\\@: ")


def _is_signed(value: bytes, body: bytes) -> bool:
    try:
        _pair()[0].public_key().verify(base64.b64decode(value), body, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
