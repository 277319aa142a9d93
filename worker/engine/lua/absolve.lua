-- Hand back leases whose work ended because the store gave no answer: their worker lives, so none of them is a crash.
-- ARGV: now, then per lease: lane, key, token.
-- Returns: 1 per lease handed back, 0 per lease that had ended, whose crash is taken back. Runs when the store is full.
run_when_full()
local answer = {}
for i = 2, #ARGV, 3 do
  local lane, key, token = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if holds(lane, key, token) and redis.call('ZSCORE', lane_key(lane, 'leased'), key) then
    free(lane, 'leased', key)
    answer[#answer + 1] = 1
  else
    local crashes = lane_key(lane, 'crashes')
    if redis.call('HEXISTS', crashes, key) == 1 and redis.call('HINCRBY', crashes, key, -1) <= 0 then
      redis.call('HDEL', crashes, key)
    end
    answer[#answer + 1] = 0
  end
end
return answer
