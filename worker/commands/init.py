"""The first commerce-sync.yaml of a new deployment: short, commented, and valid as soon as two variables are set."""

import os
import re
from typing import Final

from worker.commands.failures import CommandError
from worker.commands.reporting import say
from worker.settings.reading import find_path

_STARTER: Final = """\
# commerce-sync.yaml: which shops are heard, which destinations are told, and how.
#
# "${NAME}" is read from the environment, "${NAME:-default}" where it may be unset; "$${" is the text itself.
# A line such as `#threads: 16` shows a setting that is off, or at its default: remove the # to change it.

sources:
  # The name is the last part of the webhook's address (https://your-host/webhooks/shopify) and names the platform:
  # shopify, woocommerce, magento or custom. For a second shop of one platform, choose a name and write `platform:`
  # under it.
  shopify:
    # All of these are accepted: list the old and the new one while you change it. Without any, the address is closed.
    secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]
  #woocommerce:
  #  secrets: ["${WOOCOMMERCE_WEBHOOK_SECRET}"]
  #magento:
  #  # Of an async-events module. For Adobe I/O Events, which sign with a key of Adobe's, write "adobe:<client id>".
  #  secrets: ["${MAGENTO_WEBHOOK_SECRET}"]
  #outlet:
  #  platform: shopify
  #  secrets: ["${OUTLET_WEBHOOK_SECRET}"]
  # A vendor that owns the balance of points (skills.loyalty.balance_owner) tells it here.
  #voucherify:
  #  secrets: ["${VOUCHERIFY_WEBHOOK_SECRET}"]
  #brevo:
  #  secrets: ["${BREVO_WEBHOOK_SECRET}"]

destinations:
  brevo:
    api_key: "${BREVO_API_KEY}"
    #base_url: https://api.brevo.com/v3
    #plan: general             # or advanced, extended: how many calls per second Brevo allows you
    #limits: on                # off sends as fast as it can; for tests only. Where Brevo allows you more or less, write
                               # [calls, seconds] for contacts, orders, events, products or other: {orders: [[5, 1]]}
    #orders_api: status        # or ecommerce, for accounts whose orders go to /ecommerce/orders
    #field_mapping: {firstName: FIRSTNAME, lastName: LASTNAME}   # instead of the one of customer-sync
    #attribute_types: {}       # of attributes that are not what their fields suggest, such as FLOOR: float
    #attribute_options: {}     # of multiple choices, such as TAGS: [vip, wholesale], with TAGS: multiple-choice above
    #import_list_id: 6         # the list for imports, when not the one that contacts join; without any, no imports
  #custobar:
  #  api_key: "${CUSTOBAR_API_KEY}"
  #  base_url: https://COMPANY.custobar.com/api
  #  auth: bearer              # or token, for a token of the old kind, or basic: api_key is then "user:password"
  #  limits: on                # or off, or what Custobar allows you: {calls: [[180, 60]]}
  #  field_mapping: {}         # customer field: field of your own, such as tier: COMPANY__tier
  #  mailing_lists: []         # lists that customers join
  #  shops: {}                 # source: id of the shop there, such as shopify: online
  #  product_key: product_id   # or variant_id, sku: what products are known by
  #  company: COMPANY          # what your own fields begin with, as in COMPANY__loyalty_points; else as in base_url
  #voucherify:
  #  app_id: "${VOUCHERIFY_APP_ID}"
  #  api_key: "${VOUCHERIFY_API_KEY}"
  #  region: eu                # or us1, as1
  #  base_url: https://api.voucherify.io   # for a host of your own; wins over the region
  #  plan: business            # or organization, sandbox: how many calls per minute Voucherify allows you
  #  limits: on                # or off, or what Voucherify allows you: {calls: [[100, 60]]}
  #  field_mapping: {}         # customer field: key of the metadata, such as tier: tier
  #  loyalty_campaign: camp_1  # the campaign whose cards are to hold the points, if any
  #  referrals: off            # on tells the code that a buyer was sent by with the events of the order

skills:
  customer-sync:
    enabled: true
    #source: [shopify]         # one name or several; all sources when left out
    #destinations: [brevo]     # all that are configured when left out

    # Customer field: attribute in Brevo. `commerce-sync attributes --create` creates there what is missing.
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      phone: SMS
      #totalOrders: TOTAL_ORDERS
      #totalSpent: TOTAL_SPENT
      #lastOrderDate: LAST_ORDER_DATE
      #customerTier: CUSTOMER_TIER
      #tags: TAGS
      #"raw:default_address.address2": FLOOR   # any field of the payload, as JMESPath

    options:
      sync_mode: realtime      # or batch: changes are gathered for batch_interval or up to batch_size, and sent in bulk
      #batch_interval: 60
      #batch_size: 500
      delete_behavior: soft    # blocklists the contact; hard deletes it
      #list_id: 5              # the list that contacts join
      #unknown_consent: blocklist   # nobody is mailed who was not asked; vendor_default leaves it to Brevo
      #update_enabled: true    # false: an address that Brevo has already is a dead letter

    #debug: false              # true logs every step
    #log_level: info           # error, warning, info, or verbose

  # Orders, with their lines, refunds and what became of them.
  #order-sync:
  #  enabled: true
  #  source: [shopify]
  #  destinations: [brevo]
  #  options:
  #    sync_mode: realtime     # or batch, as above
  #    batch_interval: 60
  #    batch_size: 500
  #    events: true            # tell each step of an order (paid, shipped, refunded ...), so that automations can start
  #    products: false         # true tells the products of its lines too

  # Points and tiers, by orders. The README says what each rule does; shown are the defaults, and examples of the rest.
  #loyalty:
  #  enabled: true
  #  source: [shopify]
  #  destinations: [brevo]
  #  balance_owner: internal   # or voucherify, brevo: that vendor counts, and a source of its platform tells us
  #  options:
  #    sync_mode: realtime     # or batch, as above
  #    batch_interval: 60
  #    batch_size: 500
  #    events: true            # tell points awarded and tiers changed one by one, so that automations can start
  #  rules:
  #    points_per_unit: 1      # of the currency; or by currency, such as {EUR: 1, USD: 0.9, "*": 0}
  #    base: total             # or subtotal: the lines alone
  #    tax: true               # false: what earns is reckoned without it; so with shipping, and discounts
  #    shipping: true
  #    discounts: true         # false: the price before discounts earns
  #    rounding: half_up       # or half_even, up, down
  #    round_per: order        # or line
  #    earned_when: paid       # or created, shipped, delivered
  #    minimum_order: 0
  #    excluded_groups: []     # tags and groups of customers who take no part, such as [staff]
  #    products: []            # such as - {multiplier: 2, categories: [Tea], products: ["9123"], label: Double tea}
  #    combine: best           # of several that fit a line the best counts, or their product
  #    multipliers: product    # of tier, birthday, subscription and campaign the product counts, or the best
  #    tiers:
  #      by: points            # or spending
  #      period: lifetime      # or rolling_year, calendar_year
  #      crossing: before      # the order that crosses a threshold earns by the tier before, after, or split at it
  #      downgrade: true
  #      grace_days: 0
  #      levels:               # each may have a multiplier, a bonus for reaching it, and the list_id of its contacts
  #        - {name: Bronze, threshold: 0}
  #        - {name: Silver, threshold: 500}
  #        - {name: Gold, threshold: 2000}
  #        - name: Platinum
  #          threshold: 5000
  #          multiplier: 1
  #          bonus: 0
  #          #list_id: 12
  #    bonuses:
  #      birthday: {points: 50, multiplier: 1, reason: Birthday Month}
  #      first_purchase: 0
  #      subscription: {points: 20, multiplier: 1}
  #      referral: {buyer: 100, referrer: 200, code: "REF-{id}"}
  #      review: {points: 50, expires_months: 1, grant: offer}   # or credit: at once, with the delivery
  #    coupons: []             # what points are paid for, such as - {code: POINTS-10, costs: 1000}
  #                            # or - {code: "P-*", points_per_unit: 100}: so many for each unit of the discount
  #    campaigns: []           # such as - {name: Double Points Week, first_day: 2026-11-23, last_day: 2026-11-29,
  #                            #            multiplier: 2, points: 0, tiers: [Gold]}
  #    caps: {}                # such as {per_order: 1000, per_day: 2000, per_month: 5000, per_year: 20000}
  #    expiry: {after_months: 12}   # or {end_of_year: 0}: with the end of the year they were earned in, 1: the next
  #    partial_refunds: share  # of bonuses and coupons; keep: until the whole order is refunded
  #    new_customers: {list_id: 11, orders: 1}   # the list of those with fewer orders than that
  #    account_id: "{id}"      # the id of the account, such as LYL-{id}
  #    time_zone: UTC          # in which days, months and years begin
  #    window_days: 400        # how long an order may still change

#identity:
#  bare_ids: shopify           # this source's ids are stored as they are; the others' carry the source's name

# Your own webhook, which is told of these events.
#notifications:
#  webhook_url: https://example.com/webhooks/commerce-sync
#  secret: "${NOTIFICATIONS_SECRET:-}"   # signs what is sent, by Standard Webhooks
#  events:
#    - loyalty.points.awarded
#    - loyalty.tier.changed
#    - sync_completed           # this and what follows is not sent yet
#    - sync_failed
#    - batch_completed

# Times are in seconds unless the name says otherwise.
#engine:
#  redis_url: "${REDIS_URL:-}"     # when empty, a store of its own is started in data_dir
#  prefix: commerce-sync           # of all keys in the store
#  data_dir: .commerce-sync
#  threads: 16
#  worker_memory_mb: 512           # a worker that holds more ends as after SIGTERM and is started anew; 0: no limit
#  calls_at_once: 8                # to one destination
#  lease_seconds: 4
#  slice_seconds: 2
#  attempts: 10                    # before a change becomes a dead letter
#  retry_base: 2                   # the first wait; each further one is retry_factor times as long, up to retry_cap
#  retry_factor: 4
#  retry_cap: 3600
#  pause_first: 5                  # how long a destination that is down is left alone, at first and at most
#  pause_cap: 300
#  poll_first: 3                   # how soon an import is asked about, at first and at most
#  poll_cap: 60
#  hold_seconds: 900               # an import that has not ended by then is tried again
#  lost_seconds: 60                # so long an import is given to end whose answer never came
#  event_days: 7
#  order_days: 90                  # how long an order is remembered after its last change
#  dead_letter_days: 30
#  repeat_hours: 48                # how long a webhook is remembered, so that a repeat changes nothing
#  store_timeout: 1.5
#  store_replicas: 0               # how many replicas must have a webhook before it is answered (WAIT)
#  fsync: always                   # of the embedded store; everysec is quicker, and may lose what it just took
#  spool:                          # keeps webhooks on disk while the store is away
#    enabled: true
#    max_mb: 256
#    directory: .commerce-sync/spool
#  web:                            # host and port are those of `commerce-sync up`
#    host: 127.0.0.1
#    port: 8000
#    max_body_mb: 2
#    body_timeout: 5
"""


def starter() -> str:
    """Give the text that `init` writes; commerce-sync.example.yaml is the same text."""
    return _STARTER


def run(*, force: bool) -> int:
    """Write the starter where the configuration is looked for, and say what to do next.

    Raises: CommandError when a file is there and must stay, or cannot be written.
    """
    path = find_path(os.environ)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(_STARTER)
    except FileExistsError:
        raise CommandError(f"{path} is there already: --force overwrites it") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None
    say(f"{path} is written. Next:")
    for number, step in enumerate(next_steps(), 1):
        say(f"  {number}. {step}")
    return 0


def next_steps() -> list[str]:
    """Give what is left to do before the starter works."""
    lines = [line.split("#")[0] for line in _STARTER.splitlines()]
    unset = [name for line in lines for name in re.findall(r"\$\{(\w+)\}", line)]
    return [
        *(f"export {name}=..." for name in unset),
        "commerce-sync check",
        "commerce-sync up",
        "give the shop the address of its webhooks: https://your-host/webhooks/shopify",
    ]
