"""What the lines of orders tell about products, as facets, and facets as a product again."""

from collections.abc import Iterator
from typing import Final

from mappings.records import ABSENT, OrderChange, OrderLine, Product
from worker.engine.subjects import Facet, Facets
from worker.sync.facets import EXISTS, stamp
from worker.sync.stored import plain, record_of

_FIELDS: Final = tuple(Product.model_fields)


def product_facets(change: OrderChange, received_us: int) -> Iterator[tuple[str, dict[str, Facet]]]:
    """Give the id and the facets of each product of an order."""
    version = stamp(change.time, change.rank, received_us)
    lines = change.order.lines
    for line in () if lines is ABSENT or lines is None else lines:
        if line.product_id:
            facets = {name: (value, version) for name, value in plain(_product(line)).items()}
            yield str(line.product_id), {EXISTS: (True, version), **facets}


def _product(line: OrderLine) -> Product:
    return Product(name=line.name, price=line.unit_price, sku=line.sku, brand=line.brand, categories=line.categories)


def product_of(facets: Facets) -> Product:
    """Build the product of those facets; what no line told is ABSENT."""
    return record_of(Product, {name: facets[name][0] for name in _FIELDS if name in facets})
