-- Count the keys of a lane that are due.
-- ARGV: now, lane.
-- Returns: their number.
return redis.call('ZCOUNT', lane_key(ARGV[2], 'due'), '-inf', now)
