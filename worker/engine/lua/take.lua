-- Take one permit of a budget: the time at which a call may start, so that no window ever holds more than its limit.
-- ARGV: now, budget, patience_ms, then per window: limit, window_ms.
-- Returns: {1, ms to wait, permit} or, when the wait is longer than the patience, {0, ms to wait}.
run_when_full()
local log, patience = PREFIX .. ':budget:' .. ARGV[2], tonumber(ARGV[3])
local at, longest = math.max(now, tonumber(redis.call('GET', log .. ':until') or '0')), 0
for i = 4, #ARGV, 2 do
  local limit, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  longest = math.max(longest, window)
  local oldest = redis.call('ZREVRANGE', log, limit - 1, limit - 1, 'WITHSCORES')
  if oldest[2] then
    at = math.max(at, tonumber(oldest[2]) + window)
  end
end
local newest = redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')
if newest[2] then
  at = math.max(at, tonumber(newest[2]))
end
if at - now > patience then
  return { 0, at - now }
end
redis.call('ZREMRANGEBYSCORE', log, '-inf', now - longest)
local permit = tostring(redis.call('INCR', PREFIX .. ':sequence'))
redis.call('ZADD', log, at, permit)
redis.call('PEXPIRE', log, longest + 60000)
return { 1, at - now, permit }
