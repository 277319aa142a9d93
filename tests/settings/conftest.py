"""A configuration in a file of its own, read with an environment that holds a shop's secret and a key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from worker.settings.faults import ConfigurationError
from worker.settings.models import Settings
from worker.settings.reading import read

ENVIRON = {"SHOPIFY_WEBHOOK_SECRET": "canary-shop-secret", "BREVO_API_KEY": "canary-brevo-key"}

Load = Callable[..., Settings]
Find = Callable[..., list[tuple[int | None, str, str]]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str | bytes, environ: dict[str, str] = ENVIRON) -> Settings:
        path = tmp_path / "commerce-sync.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(path, environ)

    return load


@pytest.fixture
def faults(load: Load) -> Find:
    """Give (line, path, what is wrong and what to write) of each fault."""

    def faults(text: str | bytes, environ: dict[str, str] = ENVIRON) -> list[tuple[int | None, str, str]]:
        with pytest.raises(ConfigurationError) as caught:
            load(text, environ)
        assert "canary" not in str(caught.value) + repr(caught.value)
        return [(fault.line, fault.path, f"{fault.wrong}: {fault.instead}") for fault in caught.value.faults]

    return faults
