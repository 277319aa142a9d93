"""The tier of one account over time in the model: what counted is kept one by one, and added up at every moment."""

from collections.abc import Mapping
from datetime import datetime, timezone
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

DAY: Final = 86_400_000
YEAR: Final = 365 * DAY
DEFAULT: Final = (("Bronze", 0), ("Silver", 500), ("Gold", 2000), ("Platinum", 5000))


class TierOverTime:
    """What counted, and the tier it is enough for; time lowers it after the days of grace."""

    def __init__(self, rules: Mapping[str, Any], zone: ZoneInfo) -> None:
        tiers = rules.get("tiers", {})
        self.zone = zone
        self.levels = tiers.get("levels") or [{"name": name, "threshold": start} for name, start in DEFAULT]
        self.thresholds = [Fraction(str(one["threshold"])) for one in self.levels]
        self.by, self.period = tiers.get("by", "points"), tiers.get("period", "lifetime")
        self.crossing = tiers.get("crossing", "before")
        self.lowers = tiers.get("downgrade", True)
        self.grace = tiers.get("grace_days", 0) * DAY
        self.parts: list[tuple[int, Fraction]] = []
        self.level, self.now = 0, 0
        self.below: int | None = None

    @property
    def name(self) -> str:
        return str(self.levels[self.level]["name"])

    @property
    def counted(self) -> Fraction:
        return self._counted(self.now)

    def multiplier(self, level: int) -> Fraction:
        return Fraction(str(self.levels[level].get("multiplier", 1)))

    def reached(self, amount: Fraction) -> int:
        return max([0, *(level for level, threshold in enumerate(self.thresholds) if level and threshold <= amount)])

    def _ends(self, at: int) -> int:
        """Give when what counted at a moment counts no more."""
        if self.period == "rolling_year":
            return at + YEAR
        if self.period == "lifetime":
            return 2**60
        year = datetime.fromtimestamp(at / 1000, timezone.utc).astimezone(self.zone).year
        return int(datetime(year + 1, 1, 1, tzinfo=self.zone).timestamp() * 1000)

    def _counted(self, at: int) -> Fraction:
        return sum((amount for moment, amount in self.parts if moment <= at < self._ends(moment)), Fraction(0))

    def go_on(self, until: int) -> None:
        """Let time go on, looking at every moment at which something ends or the grace is over."""
        while True:
            moments = [end for moment, _ in self.parts if (end := self._ends(moment)) > self.now]
            if self.lowers and self.below is not None:
                moments.append(self.below + self.grace)
            moment = min(moments, default=2**60)
            if moment > until:
                break
            self.now = max(self.now, moment)
            self._look()
        self.now = max(self.now, until)

    def count(self, at: int, amount: Fraction) -> None:
        self.now = at
        self.parts.append((at, amount))
        self._look()

    def _look(self) -> None:
        level = self.reached(self.counted)
        if level >= self.level:
            self.level, self.below = level, None
            return
        if self.below is None:
            self.below = self.now
        if self.lowers and self.now >= self.below + self.grace:
            self.level, self.below = level, None
