"""Who is who: subjects, external ids, and keyed hashes where an e-mail must not stand."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

GUEST: Final = "~"
_GUEST_ID: Final = re.compile(r"guest-([0-9a-f]{32})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Names subjects with the deployment's secret. `bare_ids` is the one source whose ids are used without its name."""

    secret: bytes
    bare_ids: str | None = None

    def digest(self, text: str) -> str:
        """Give a keyed hash, 32 hexadecimal digits: the same text gives the same hash in this deployment only."""
        return hashlib.blake2b(text.encode(), key=self.secret[:64], digest_size=16).hexdigest()

    def of_email(self, email: str) -> str:
        """Give the keyed hash of an e-mail address, whatever its case."""
        # No casefold: it would make one of straße and strasse, which are two domains.
        return self.digest(email.strip().lower())

    def customer(self, source: str, customer_id: str | None, email: str | None) -> str:
        """Name the subject of a customer: by the id, a guest by the e-mail; an id that tells a person is hashed.

        So is one that looks like a guest's.

        Raises: ValueError when there is neither an id nor an e-mail.
        """
        if customer_id and "@" not in customer_id and not customer_id.startswith(("+", GUEST)):
            return f"customer:{source}:{customer_id}"
        told = customer_id or email
        if not told:
            raise ValueError("neither id nor email")
        return f"customer:{source}:{GUEST}{self.of_email(told)}"

    def order(self, source: str, order_id: str) -> str:
        """Name the subject of an order."""
        return f"order:{source}:{order_id}"

    def product(self, source: str, product_id: str) -> str:
        """Name the subject of a product."""
        return f"product:{source}:{product_id}"

    def stable_id(self, subject: str) -> str:
        """Give the id by which a destination may know a subject for good, a guest too."""
        _, source, customer_id = subject.split(":", 2)
        return self.ext_id(subject) or f"{source}-guest-{customer_id.removeprefix(GUEST)}"

    def ext_id(self, subject: str) -> str | None:
        """Give the id under which destinations shall know a subject; None for a guest."""
        _, source, customer_id = subject.split(":", 2)
        if customer_id.startswith(GUEST):
            return None
        return customer_id if source == self.bare_ids else f"{source}-{customer_id}"

    def subject_of(self, stable_id: str, sources: Iterable[str]) -> str | None:
        """Name the subject whose `stable_id` this is; None when it is of none of these sources.

        No source's name begins with another's and a hyphen. An id that stands without its source's name may begin like
        another source: then it is taken for that one's.
        """
        names = list(sources)
        source = next((name for name in names if stable_id.startswith(f"{name}-")), None)
        candidates = [] if source is None else self._subjects(source, stable_id.removeprefix(f"{source}-"))
        if self.bare_ids in names:
            candidates.append(f"customer:{self.bare_ids}:{stable_id}")
        return next((subject for subject in candidates if self._is_own(subject, stable_id)), None)

    def _subjects(self, source: str, rest: str) -> list[str]:
        guest = _GUEST_ID.fullmatch(rest)
        return [f"customer:{source}:{GUEST}{guest[1]}"] if guest else [f"customer:{source}:{rest}"]

    def _is_own(self, subject: str, stable_id: str) -> bool:
        """Tell whether a subject is one that `customer` names, and this its id."""
        _, source, customer_id = subject.split(":", 2)
        guest = customer_id.startswith(GUEST)
        named = guest or (customer_id != "" and self.customer(source, customer_id, None) == subject)
        return named and self.stable_id(subject) == stable_id
