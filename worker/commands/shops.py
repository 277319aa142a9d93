"""`commerce-sync shops`: make the shops that sales come from known to Custobar."""

import os
from contextlib import closing

from connectors.custobar import Custobar, shop_calls, taken
from connectors.custobar_options import CustobarOptions
from connectors.http import Sender
from connectors.registry import DESTINATIONS
from worker.commands.check_live import judged
from worker.commands.deployment import configuration
from worker.commands.failures import FAILED
from worker.commands.reporting import print_json, say
from worker.routes import build_options
from worker.settings.faults import ConfigurationError, Fault
from worker.settings.models import Settings
from worker.settings.reading import find_path

_LANE = "sales"


def run(*, as_json: bool) -> int:
    """Upload the shop of each source; 1 when Custobar does not take it.

    Raises: ConfigurationError without a Custobar account.
    """
    settings = configuration()
    options = _options(settings)
    account: Custobar = DESTINATIONS["custobar"].lanes[_LANE].connector(options)  # type: ignore[assignment]
    names = {source: options.shops.get(source, source) for source in settings.sources}
    trouble = ""
    with closing(Sender()) as sender:
        for call in shop_calls(options, settings.sources):
            answer = sender.send(account.base_url, account.headers(), call)
            if not taken(answer):
                trouble = judged("custobar", answer).detail or "Custobar does not take them"
    if as_json:
        print_json({"ok": not trouble, "shops": names, "trouble": trouble or None})
    elif trouble:
        say(f"custobar {trouble}")
    else:
        say("Custobar knows the shops: " + ", ".join(names.values()))
    return FAILED if trouble else 0


def _options(settings: Settings) -> CustobarOptions:
    if settings.destinations.custobar is None:
        wrong, instead = "shops are Custobar's, and it is not configured", 'write `custobar: {api_key: "...", ...}`'
        raise ConfigurationError(
            [Fault(file=str(find_path(os.environ)), line=None, path="destinations", wrong=wrong, instead=instead)]
        )
    options: CustobarOptions = build_options(settings, "custobar")
    return options
