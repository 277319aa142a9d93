-- Make held keys due again: the asynchronous process their change rode in has ended.
-- ARGV: now, lane, wake_ms, then keys. Returns: the slot to wake, or ''. Runs when the store is full.
run_when_full()
local lane = ARGV[2]
for i = 4, #ARGV do
  local key = ARGV[i]
  if redis.call('ZREM', lane_key(lane, 'held'), key) == 1 then
    local taken = tonumber(redis.call('HGET', lane_key(lane, 'taken'), key) or '0')
    redis.call('HDEL', lane_key(lane, 'taken'), key)
    redis.call('ZADD', lane_key(lane, 'due'), now, key)
    count(lane, 'held', -taken)
    count(lane, 'waiting', taken)
  end
end
return wake(lane, 1, tonumber(ARGV[3]))
