-- Before calls start: their outcome is in doubt from now on, and what was delivered before no longer counts as known.
-- ARGV: now, lane, records, lease_ms, then per key: key, token, steps (JSON of the answered steps, '' for none).
-- Returns: 1 per key whose call may start, 0 per key whose lease is lost. Runs when the store is full.
run_when_full()
local lane, records, lease_ms = ARGV[2], ARGV[3], tonumber(ARGV[4])
local answer = {}
for i = 5, #ARGV, 3 do
  local key, token, steps = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if holds(lane, key, token) then
    local record = PREFIX .. ':' .. records .. ':' .. key
    redis.call('HDEL', record, 'image')
    redis.call('HSET', record, 'doubt', '1')
    if steps ~= '' then
      redis.call('HSET', record, 'steps', steps)
    end
    redis.call('ZADD', lane_key(lane, 'leased'), 'XX', now + lease_ms, key)
    answer[#answer + 1] = 1
  else
    answer[#answer + 1] = 0
  end
end
return answer
