"""Products to the rows of /products/upload/.

https://developers.custobar.com/products.html, as of November 2026: "A product record must contain in minimum two
fields", the identifier and a price.
"""

from typing import Any, Final, TypeAlias

from connectors.connector import Nothing, ProductState
from connectors.custobar_options import CustobarOptions
from connectors.custobar_values import Upload, cleared, said, shop_cents
from mappings.records import ABSENT

Json: TypeAlias = Any

NO_PRICE: Final = "a product without a price"
NO_SKU: Final = "a product without a SKU, by which the products of this account go"


def upload(options: CustobarOptions, state: ProductState) -> Upload | Nothing:
    """Give the row of a product, or why there is none."""
    row = image(options, state)
    if not row["external_id"]:
        return Nothing(reason=NO_SKU)
    return Upload(rows=(row,)) if "price" in row else Nothing(reason=NO_PRICE)


def image(options: CustobarOptions, state: ProductState) -> Json:
    """Give what Custobar should hold after the state is delivered; a product that is gone is shown to nobody."""
    product = state.product
    categories = product.categories
    return said(
        {
            # As it stands in the rows of sales: the alphabet is the customers' only.
            "external_id": (product.sku or "") if options.product_key == "sku" else state.id,
            "price": shop_cents(product.price),
            "title": cleared(product.name),
            "brand": cleared(product.brand),
            "category": categories if categories is ABSENT else list(categories or ()),
            "sku": cleared(product.sku),
            "visible": False if state.deleted else ABSENT,
        }
    )
