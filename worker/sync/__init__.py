"""From a kept event to changes, and from pending changes to a delivered state."""
