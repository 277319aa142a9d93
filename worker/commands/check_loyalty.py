"""What `commerce-sync check` says about loyalty: by which rules, who counts, and where it arrives."""

from collections.abc import Iterator

from connectors.attributes import LOYALTY_FIELDS
from connectors.values import snake
from mappings.platform import Fact
from mappings.registry import PLATFORMS
from worker.commands.findings import Finding, fine, noted
from worker.commands.payloads import webhook_address
from worker.routes import build_options
from worker.settings.loyalty import LoyaltyRules, Tiers
from worker.settings.models import LoyaltySkill, Settings


def loyalty_findings(settings: Settings) -> Iterator[Finding]:
    """Say how points come about and where they go, and what is set for nothing."""
    skill = settings.skills.loyalty
    if skill is not None and skill.enabled:
        yield from _counting(settings, skill)
        for name in settings.destinations.configured():
            if skill.tells(name):
                yield _arriving(settings, name)
    yield from _for_nothing(settings, skill if skill is not None and skill.enabled else None)


def _counting(settings: Settings, skill: LoyaltySkill) -> Iterator[Finding]:
    owner = skill.balance_owner
    if owner == "internal":
        yield fine("loyalty rules", in_words(skill.rules))
        yield from _unheard(settings, skill)
        if settings.skills.order_sync is None or not settings.skills.order_sync.enabled:
            yield noted("loyalty orders", "orders count, but none is told what it earned: enable order-sync")
    else:
        told = [name for name, source in settings.sources.items() if source.platform == owner]
        addresses = ", ".join(webhook_address(settings, name) for name in told)
        yield fine("loyalty balance", f"{owner} counts, and tells it at {addresses}")
    customers = settings.skills.customer_sync
    for name, source in settings.sources.items():
        about_ours = PLATFORMS[source.platform].about_ours
        if skill.hears(name) and not about_ours and customers is not None and not customers.hears(name):
            yield noted(f"loyalty of {name}", "customer-sync does not take this source: its customers are told nowhere")


def _unheard(settings: Settings, skill: LoyaltySkill) -> Iterator[Finding]:
    """Name the rules that ask for what a platform never tells."""
    asked = list(_asked(skill.rules))
    for name, source in settings.sources.items():
        platform = PLATFORMS[source.platform]
        rules = [rule for rule, fact in asked if fact in platform.never_says]
        if rules and skill.hears(name) and not platform.about_ours:
            yield noted(f"loyalty of {name}", f"{source.platform} never tells what these ask for: {', '.join(rules)}")


def _asked(rules: LoyaltyRules) -> Iterator[tuple[str, Fact]]:
    """Give the rules, as they are written, and what they ask for that not every platform tells."""
    if any(one.categories for one in rules.products):
        yield "products.categories", "categories"
    if rules.earned_when == "delivered":
        yield "earned_when: delivered", "delivered"
    if rules.bonuses.review is not None:
        yield "bonuses.review", "delivered"
    if rules.bonuses.birthday is not None:
        yield "bonuses.birthday", "birthday"
    if rules.bonuses.subscription is not None:
        yield "bonuses.subscription", "subscription"


def _arriving(settings: Settings, destination: str) -> Finding:
    """Say by which names a destination is told of customers."""
    name, customers = f"loyalty at {destination}", settings.skills.customer_sync
    if customers is None or not customers.tells(destination):
        return noted(name, "customer-sync does not tell this destination: no points arrive there")
    mapping = build_options(settings, destination).field_mapping
    fields = [target for field, target in mapping.items() if snake(field) in LOYALTY_FIELDS]
    if not fields:
        company = f"write the company's short name into destinations.{destination}.company, or map the fields"
        return noted(name, f"customers have no fields for it: {company}")
    lists = settings.skills.loyalty.rules.lists if settings.skills.loyalty is not None else ()
    managed = f"; lists {', '.join(map(str, lists))}" if lists and destination == "brevo" else ""
    return fine(name, ", ".join(fields) + managed)


def _for_nothing(settings: Settings, skill: LoyaltySkill | None) -> Iterator[Finding]:
    """Name what takes no effect: cards that nobody fills, and vendors who tell what another counts."""
    owner = skill.balance_owner if skill is not None else None
    section = settings.destinations.voucherify
    if section is not None and section.loyalty_campaign is not None:
        why = "the skill loyalty is not enabled" if skill is None else f"{owner} owns the balance"
        if skill is not None and owner == "internal":
            why = "" if skill.tells("voucherify") else "the skill loyalty does not tell voucherify"
        if why:
            yield noted("voucherify loyalty_campaign", f"no card is told of points, as {why}")
    for name, source in settings.sources.items():
        if PLATFORMS[source.platform].about_ours and source.platform != owner:
            yield noted(f"source {name}", f"{source.platform} does not own the balance: what it tells is ignored")


def in_words(rules: LoyaltyRules) -> str:
    """Say the rules in a sentence."""
    rates = ", ".join(f"{rate} a unit of {name}" for name, rate in rules.points_per_unit.items() if name != "*")
    other = rules.points_per_unit.get("*")
    others = f"{other} a unit of {'every other' if rates else 'any'} currency" if other is not None else ""
    earned = f"points: {', '.join(one for one in (rates, others) if one)}, of orders that are {rules.earned_when}"
    bonuses = [name for name, one in rules.bonuses if one]
    counted = {
        "products": len(rules.products),
        "coupons": len(rules.coupons),
        "campaigns": len(rules.campaigns),
    }
    parts = [
        earned,
        _tiers(rules.tiers),
        f"bonuses: {', '.join(name.replace('_', ' ') for name in bonuses)}" if bonuses else "",
        *(f"{name}: {number}" for name, number in counted.items() if number),
        _expiry(rules),
    ]
    return "; ".join(part for part in parts if part)


def _tiers(tiers: Tiers) -> str:
    levels = ", ".join(
        f"{level.name} from {level.threshold}" + (f" (x {level.multiplier})" if level.multiplier != 1 else "")
        for level in tiers.levels
    )
    return f"tiers by {tiers.by} over a {tiers.period.replace('_', ' ')}: {levels}"


def _expiry(rules: LoyaltyRules) -> str:
    expiry = rules.expiry
    if expiry is None:
        return "points do not expire"
    if expiry.after_months is not None:
        return f"points expire after {expiry.after_months} months"
    later = f", {expiry.end_of_year} later" if expiry.end_of_year else ""
    return f"points expire with the end of the year they were earned in{later}"
