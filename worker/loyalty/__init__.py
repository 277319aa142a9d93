"""Points, tiers and bonuses from orders, and what customers have bought so far."""
