-- Pause a lane or a whole destination.
-- ARGV: now, scope, reason, first_ms, cap_ms. Returns: until when. Runs when the store is full.
run_when_full()
return string.format('%.0f', pause(ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])))
