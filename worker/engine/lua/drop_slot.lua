-- End a drain whose lane must wait for its budget: its slot is free again.
-- ARGV: now, lane, slot. Returns: 1, 0 when it had expired. Runs when the store is full.
run_when_full()
return redis.call('ZREM', lane_key(ARGV[2], 'slots'), ARGV[3])
