"""Whatever the file holds, reading gives settings or faults, and never a secret."""

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.commands.init import starter
from worker.settings.faults import ConfigurationError
from worker.settings.reading import read

SECRET = "xkeysib-0123456789abcdef"
ENVIRON = {
    "SHOPIFY_WEBHOOK_SECRET": f"a{SECRET}",
    "BREVO_API_KEY": f"b{SECRET}",
    "REDIS_URL": f"redis://:{SECRET}@a.test",
}
STARTER = starter()
KEYS = st.sampled_from(
    [
        *(
            "sources",
            "destinations",
            "skills",
            "engine",
            "identity",
            "notifications",
            "customer-sync",
            "options",
            "brevo",
        ),
        *("shopify", "secrets", "api_key", "source", "list_id", "listId", "field_mapping", "email", "enabled", "spool"),
        *("custobar", "voucherify", "order-sync", "limits", "contacts", "calls", "shops", "auth", "mailing_lists"),
        *("attribute_types", "attribute_options", "app_id", "base_url"),
        *("web", "platform", "bare_ids", "events", "webhook_url", "threads"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["shopify", "brevo", "${BREVO_API_KEY}", "${X}", "${", SECRET, f"redis://:{SECRET}@x", "raw:a["]),
    st.text(max_size=8),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)


def outcome(text: str | bytes) -> str:
    """Read a file with this text and give all that may be shown of the result."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        try:
            found = read(path, ENVIRON)
        except ConfigurationError as error:
            assert (error.__cause__, error.__context__) == (None, None)  # noqa: PT017 - pydantic's holds the values
            return f"{error} {error!r}"
        return f"{found} {found!r}"


@given(st.one_of(st.text(), st.text(alphabet="ab:-{}[]&*!|>'\"%@`#$\\ \n\t?,<~.01Ux"), st.binary()))
@settings(max_examples=400)
def test_any_text_gives_settings_or_faults(text: str | bytes) -> None:
    assert outcome(text)


@given(st.integers(0, len(STARTER)), st.integers(0, 30), st.text(alphabet="ab:-{}[]&*!|>'\"%#$\\ \n\t?,~5", max_size=6))
@settings(max_examples=400)
def test_damaged_file_tells_no_secret(start: int, length: int, put: str) -> None:
    text = STARTER.replace("${BREVO_API_KEY}", SECRET)

    assert SECRET not in outcome(text[:start] + put + text[start + length :])


@given(TREES)
@settings(max_examples=400)
def test_any_data_gives_settings_or_faults_without_secrets(data: Any) -> None:
    assert SECRET not in outcome(yaml.safe_dump(data))
