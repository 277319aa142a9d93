-- Renew leases that are still held, and the slots of drains that are at work.
-- ARGV: now, lease_ms, then per lease: lane, key, token; or for a slot: lane, slot, ''.
-- Returns: 1 per lease that goes on, 0 per lease that is lost. Runs when the store is full.
run_when_full()
local till = now + tonumber(ARGV[2])
local answer = {}
for i = 3, #ARGV, 3 do
  local lane, key, token = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if token == '' then
    redis.call('ZADD', lane_key(lane, 'slots'), 'XX', till, key)
    answer[#answer + 1] = 1
  elseif holds(lane, key, token) then
    redis.call('ZADD', lane_key(lane, 'leased'), 'XX', till, key)
    answer[#answer + 1] = 1
  else
    answer[#answer + 1] = 0
  end
end
return answer
