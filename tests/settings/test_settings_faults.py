"""The faults of a configuration: every kind names its line, its key and the remedy."""

from collections.abc import Callable

import pytest

from worker.settings.faults import Fault
from worker.settings.reading import MOST_FAULTS

SMALLEST = """\
sources:
  shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}
destinations:
  brevo: {api_key: "${BREVO_API_KEY}"}
skills:
  customer-sync: {enabled: true, source: shopify}
"""

SHOPS = """\
sources:
  shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}
  woocommerce:
destinations:
  brevo: {api_key: "${BREVO_API_KEY}"}
"""

Find = Callable[..., list[tuple[int | None, str, str]]]

OPTIONS = SMALLEST.replace("source: shopify", "source: shopify, options: {%s}")


@pytest.mark.parametrize(
    ("text", "line", "path", "words"),
    [
        (
            OPTIONS % "list_ids: 5",
            6,
            "skills.customer-sync.options.list_ids",
            "unknown key `list_ids`: did you mean `list_id`?",
        ),
        (SMALLEST + "lst_id: 5", 7, "lst_id", "unknown key `lst_id`: known here: sources, destinations"),
        (SMALLEST + "list_id: 5", 7, "list_id", "it belongs under `skills.customer-sync.options`"),
        (SMALLEST + "customer-sync:", 7, "customer-sync", "it belongs under `skills`"),
        (SMALLEST + "firstName: A", 7, "firstName", "it belongs under `skills.customer-sync.field_mapping`"),
        (SMALLEST + "zzzzzz: A", 7, "zzzzzz", "known here: sources, destinations, skills, identity, engine"),
        (OPTIONS % "list_id: 5, listId: 6", 6, "skills.customer-sync.options.listId", "given twice, in two spellings"),
        (OPTIONS % "list_id: 5, list_id: 6", 6, "skills.customer-sync.options.list_id", "given twice, first on line 6"),
        (OPTIONS % "list_id: 0", 6, "skills.customer-sync.options.list_id", "too small: write at least 1"),
        (
            OPTIONS % "batch_interval: 1000000",
            6,
            "skills.customer-sync.options.batch_interval",
            "too large: write at most 86400",
        ),
        (
            OPTIONS % "list_id: five",
            6,
            "skills.customer-sync.options.list_id",
            "no whole number: write a number such as 5",
        ),
        (OPTIONS % "list_id: true", 6, "skills.customer-sync.options.list_id", "a number, not a switch"),
        (OPTIONS % "batch_interval: .nan", 6, "skills.customer-sync.options.batch_interval", "this is no number"),
        (OPTIONS % "batch_interval: x", 6, "skills.customer-sync.options.batch_interval", "this is no number"),
        (OPTIONS % "sync_mode: relatime", 6, "skills.customer-sync.options.sync_mode", "did you mean `realtime`?"),
        (OPTIONS % "sync_mode: 5", 6, "skills.customer-sync.options.sync_mode", "write realtime or batch"),
        (OPTIONS % "update_enabled: perhaps", 6, "skills.customer-sync.options.update_enabled", "write true or false"),
        (SMALLEST.replace("shopify}", "shopfy}"), 6, "skills.customer-sync.source", "did you mean `shopify`?"),
        (SMALLEST.replace("source: shopify", "source: [zz]"), 6, "skills.customer-sync.source", "there are `shopify`"),
        (
            SMALLEST.replace("source: shopify", "destinations: brevvo"),
            6,
            "skills.customer-sync.destinations",
            "not the name of one of the destinations: did you mean `brevo`?",
        ),
        (SMALLEST + "identity:\n  bare_ids: woo", 8, "identity.bare_ids", "not the name of one of the sources"),
        (
            SMALLEST.replace("shopify}", "shopify, field_mapping: {fristName: A}}"),
            6,
            "skills.customer-sync.field_mapping.fristName",
            "`fristName` is no field of a customer: did you mean `firstName`?",
        ),
        (
            SMALLEST.replace("shopify}", "shopify, field_mapping: {qqqq: A}}"),
            6,
            "skills.customer-sync.field_mapping.qqqq",
            "or raw:<JMESPath>",
        ),
        (
            SMALLEST.replace("shopify}", "shopify, field_mapping: {'raw:a[': A}}"),
            6,
            "skills.customer-sync.field_mapping.raw:a[",
            "what follows `raw:` is no JMESPath",
        ),
        (
            SMALLEST.replace("shopify}", "shopify, field_mapping: {phone: 'a b'}}"),
            6,
            "skills.customer-sync.field_mapping.phone",
            "no attribute's name",
        ),
        (
            SMALLEST.replace("shopify}", "shopify, field_mapping: {firstName: A, lastName: a}}"),
            6,
            "skills.customer-sync.field_mapping",
            "two fields are mapped to one attribute",
        ),
        (
            SMALLEST.replace("destinations:", "  shopify-eu: {platform: custom}\ndestinations:", 1),
            3,
            "sources.shopify-eu",
            "begins with another source's name and a hyphen: use an underscore",
        ),
        (SMALLEST.replace("shopify:", "My Shop:"), 2, "sources.My Shop", "no name for a source"),
        (
            SMALLEST.replace("shopify", "outlet"),
            2,
            "sources.outlet.platform",
            "`platform` is missing: write `platform: custom`, ",
        ),
        (
            SMALLEST.replace("{secrets", "{platform: shopifi, secrets"),
            2,
            "sources.shopify.platform",
            "did you mean `shopify`?",
        ),
        (
            SMALLEST.replace('["${SHOPIFY_WEBHOOK_SECRET}"]', "[12345]"),
            2,
            "sources.shopify.secrets[0]",
            "put quotes around it",
        ),
        (SMALLEST.replace('["${SHOPIFY_WEBHOOK_SECRET}"]', "{a: b}"), 2, "sources.shopify.secrets", "this is no list"),
        (
            SMALLEST.replace('["${SHOPIFY_WEBHOOK_SECRET}"]', "[" + "a, " * 11 + "]"),
            2,
            "sources.shopify.secrets",
            "at most 10",
        ),
        (SMALLEST.replace('"${BREVO_API_KEY}"', "''"), 4, "destinations.brevo.api_key", "this is no API key"),
        (SMALLEST.replace('"${BREVO_API_KEY}"', "'a b'"), 4, "destinations.brevo.api_key", "this is no API key"),
        (
            SMALLEST.replace('{api_key: "${BREVO_API_KEY}"}', ""),
            4,
            "destinations.brevo.api_key",
            'write `api_key: "${BREVO',
        ),
        (SMALLEST.replace("brevo:", "bravo:"), 4, "destinations.bravo", "did you mean `brevo`?"),
        (
            SMALLEST.replace('  brevo: {api_key: "${BREVO_API_KEY}"}\n', ""),
            3,
            "destinations",
            "customer-sync is enabled, but no destination is configured",
        ),
        (
            SMALLEST.replace('  shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}\n', ""),
            1,
            "sources",
            "here belong keys",
        ),
        (
            SMALLEST.replace('\n  shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}\n', " {}\n"),
            1,
            "sources",
            "nothing is here",
        ),
        ("destinations: {}\n", 1, "sources", "`sources` is missing: write `sources: {shopify"),
        (SMALLEST + "engine: 5", 7, "engine", "here belong keys"),
        (SMALLEST + "engine:\n  web:\n    port: 99999", 9, "engine.web.port", "write at most 65535"),
        (SMALLEST + "engine:\n  web:\n    host: 'a b'", 9, "engine.web.host", "this is no host"),
        (SMALLEST + "engine:\n  prefix: A", 8, "engine.prefix", "this is no prefix"),
        (SMALLEST + "engine:\n  data_dir: [a]", 8, "engine.data_dir", "this is no path"),
        (SMALLEST + "engine:\n  redis_url: store:6379", 8, "engine.redis_url", "starts with redis://"),
        (SMALLEST + "engine:\n  retry_cap: 1", 8, "engine.retry_cap", "the cap is below retry_base"),
        (SMALLEST + "engine:\n  poll_cap: 1", 8, "engine.poll_cap", "the cap is below poll_first"),
        (SMALLEST + "engine:\n  hold_seconds: 5", 8, "engine.hold_seconds", "make it at least as long as poll_cap"),
        (SMALLEST + "engine:\n  poll_first: 100", 7, "engine.poll_cap", "the cap is below poll_first"),
        (SMALLEST + "engine:\n  pauseCap: 1", 8, "engine.pauseCap", "the cap is below pause_first"),
        (SMALLEST + "notifications:\n  events: [sync_complete]", 8, "notifications.events[0]", "`sync_completed`"),
        (SMALLEST + "notifications:\n  events: []", 7, "notifications.webhook_url", "`webhook_url` is missing"),
        (SMALLEST + "notifications:\n  webhook_url: ftp://a", 8, "notifications.webhook_url", "starts with https://"),
        (
            SMALLEST + "notifications:\n  webhook_url: https://a.test\n  events: [loyalty.tiers.changed]",
            9,
            "notifications.events[0]",
            "`loyalty.tier.changed`",
        ),
        (
            SMALLEST + "notifications:\n  webhook_url: https://a.test\n  secret: whsec_canary!",
            9,
            "notifications.secret",
            "whsec_ and goes on with no base64",
        ),
        ("a: b: c", 1, "", "a `:` where none may be"),
        ("a\nb: c", 2, "", "a `:` where none may be"),
        ("sources:\n\tshopify:", 2, "", "a tab: indent with blanks"),
        ("sources:\n  shopify: {secrets: [${A}]}", 2, "", 'put it in quotes: "${NAME}"'),
        ("a: 'b", 1, "", "never closed"),
        ("a: {b: 'c'\nd: 5", 2, "", "this is not YAML"),
        ("a: 1\n   b: 1", 2, "", "a `:` where none may be"),
        ("a:\n    b: 1\n  c: 1", 3, "", "indented differently"),
        ("a: 1\n---\nb: 1", 2, "", "a second document"),
        ("a: %x", 1, "", "this is not YAML (found character '%' that cannot start any token)"),
        ("a: 1\nb\nc: 1\n", 2, "", "a key without a value"),
        ("a: 1\nb: 'c\nd: 1\n", 2, "", "never closed"),
        ("a: " + "[" * 600, 1, "", "nested too deeply"),
        ('a: 1\nb: "\\UFFFFFFFF"', 2, "", "this is not YAML"),
        ("a: 1\nb: \x07", 2, "", "this character is not allowed"),
        (b"a: 1\nb: \xff\n", 2, "", "the file is not UTF-8"),
        ("", 1, "", "the file holds no settings"),
        ("# nothing\n", 1, "", "the file holds no settings"),
        ("- a\n- b\n", 1, "", "the file holds no settings: start with `sources:`"),
        ("just text", 1, "", "the file holds no settings"),
        (SMALLEST + "engine: &e\n  threads: 5\nidentity: *e", 9, "identity", "an alias `*`"),
        (SMALLEST + "engine:\n  <<: {threads: 5}", 8, "engine", "a merge key"),
        (SMALLEST + "engine:\n  [a]: 5", 8, "engine", "a key that is no word"),
        (SMALLEST + "engine:\n  threads: !!int x", 8, "engine.threads", "this cannot be read"),
        (SMALLEST + "engine:\n  threads: " + "9" * 5000, 8, "engine.threads", "this cannot be read"),
        (SMALLEST + "engine:\n  threads: !!python/name:os.system 5", 8, "engine.threads", "a tag"),
        (SMALLEST + "engine: !mine {}", 7, "engine", "a tag"),
        (SMALLEST + 'engine:\n  prefix: "${"', 8, "engine.prefix", "a `${` that names no variable"),
        (SMALLEST + 'engine:\n  prefix: "' + "${BREVO_API_KEY}" * 50 + '"', 8, "engine.prefix", "a `${` that names no"),
        (SMALLEST + "engine:\n  prefix: ${UNSET}", 8, "engine.prefix", "the environment variable UNSET is not set"),
    ],
)
def test_fault_names_its_line_its_path_and_the_remedy(
    faults: Find, text: str | bytes, line: int, path: str, words: str
) -> None:
    found = faults(text)

    assert (line, path) in [(at, where) for at, where, _ in found]
    assert any(words in said for at, where, said in found if (at, where) == (line, path)), found


def test_all_faults_are_told_at_once_in_the_order_of_lines(faults: Find) -> None:
    text = (
        SMALLEST.replace("shopify}", "shopfy, options: {list_id: x}}")
        + "engine: {threads: 0}\nidentity: {bare_ids: a}\n"
    )
    found = faults(text, {"SHOPIFY_WEBHOOK_SECRET": "canary"})

    assert [(line, path) for line, path, _ in found] == [
        (4, "destinations.brevo.api_key"),
        (6, "skills.customer-sync.options.list_id"),
        (6, "skills.customer-sync.source"),
        (7, "engine.threads"),
        (8, "identity.bare_ids"),
    ]


def test_what_cannot_be_read_is_told_once(faults: Find) -> None:
    assert len(faults(SMALLEST + "engine:\n  threads: ${UNSET}")) == 1


def test_lost_indentation_is_explained_key_by_key(faults: Find) -> None:
    found = faults(SHOPS + "skills:\ncustomer-sync:\nenabled: true\noptions:\nlist_id: 5\n")

    assert [said.split(": ", 1)[1] for _, _, said in found] == [
        "it belongs under `skills`",
        (
            "it belongs under `skills.customer-sync`, under `skills.order-sync`, under `skills.loyalty` or under "
            "`engine.spool`"
        ),
        "it belongs under `skills.customer-sync`, under `skills.order-sync` or under `skills.loyalty`",
        (
            "it belongs under `skills.customer-sync.options`, under `skills.loyalty.rules.tiers.levels` or under "
            "`skills.loyalty.rules.new_customers`"
        ),
    ]


def test_faults_are_bounded(faults: Find) -> None:
    assert len(faults(SMALLEST + "\n".join(f"key{number}: 1" for number in range(1000)))) == MOST_FAULTS


def test_misplaced_secret_is_not_repeated(faults: Find) -> None:
    assert faults("whsec_c2VjcmV0c2VjcmV0: 1\n" + SMALLEST) == [
        (1, "…", "unknown key `…`: known here: sources, destinations, skills, identity, engine, notifications")
    ]


def test_fault_reads_like_a_compiler_message() -> None:
    fault = Fault(file="a.yaml", line=3, path="engine.threads", wrong="this is too small", instead="write at least 1")

    assert str(fault) == "a.yaml:3: engine.threads: this is too small: write at least 1"


def test_signing_secret_that_is_no_base64_is_a_fault(faults: Find) -> None:
    (found,) = faults('sources:\n  custom: {secrets: ["whsec_canary!"]}\n')

    assert found[:2] == (2, "sources.custom.secrets")
    assert "whsec_ and goes on with no base64" in found[2]


def test_repeats_cannot_be_remembered_longer_than_events(faults: Find) -> None:
    found = faults(SMALLEST + "engine: {event_days: 1, repeat_hours: 48}\n")

    assert found == [
        (7, "engine.repeat_hours", "events are forgotten sooner than that: make event_days at least as long")
    ]
