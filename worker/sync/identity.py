"""Who is who: subjects, external ids, and keyed hashes where an e-mail must not stand."""

import hashlib
from dataclasses import dataclass

GUEST = "~"


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
