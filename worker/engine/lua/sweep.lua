-- Put right what died or was lost: expired leases become due and count a crash, holds past their deadline become due and
-- count an attempt (unless the lane is paused), a lane with due keys and a free slot gets one more drain (the others may
-- all be busy with a slow call), dead letters past their time are discarded.
-- ARGV: now, wake_ms, keep_ms, dead_ms, then per lane: lane, slots.
-- Returns: {{lane, slot, ...} to wake, {lane, key, ...} whose lists are long, ms until the next lease ends if nobody
-- renews it, '' for none}. Runs when the store is full.
run_when_full()
local wake_ms, keep_ms, dead_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local wakes, long, soonest = {}, {}, nil

local function free_expired(lane, set, fault)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', lane_key(lane, set), '-inf', now, 'LIMIT', 0, 1000)) do
    free(lane, set, key)
    if fault then
      redis.call('HINCRBY', lane_key(lane, fault), key, 1)
    end
  end
end

for i = 5, #ARGV, 2 do
  local lane, slots = ARGV[i], tonumber(ARGV[i + 1])
  free_expired(lane, 'leased', 'crashes')
  free_expired(lane, 'held', not is_paused(lane) and 'attempts')
  local first = redis.call('ZRANGE', lane_key(lane, 'leased'), 0, 0, 'WITHSCORES')[2]
  if first and (not soonest or tonumber(first) < soonest) then
    soonest = tonumber(first)
  end
  local slot = wake(lane, slots, wake_ms)
  if slot ~= '' then
    wakes[#wakes + 1] = lane
    wakes[#wakes + 1] = slot
  end
  for _, key in ipairs(redis.call('SRANDMEMBER', lane_key(lane, 'long'), 16)) do
    long[#long + 1] = lane
    long[#long + 1] = key
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. ':dead', '-inf', now - dead_ms, 'LIMIT', 0, 100)) do
  local lane, _, items = unbury(id)
  if lane then
    close_events(items, lane, 'discarded: too old', keep_ms)
    count(lane, 'dead', -#items)
    count(lane, 'discarded', #items)
  end
end
return { wakes, long, soonest and string.format('%.0f', soonest - now) or '' }
