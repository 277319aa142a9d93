-- Put right what died or was lost: expired leases become due and count a crash, holds past their deadline become due,
-- sleeping lanes with due keys are woken, dead letters past their time are discarded.
-- ARGV: now, wake_ms, keep_ms, dead_ms, then per lane: lane, slots.
-- Returns: {{lane, slot, ...} to wake, {lane, key, ...} whose lists are long}. Runs when the store is full.
run_when_full()
local wake_ms, keep_ms, dead_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local wakes, long = {}, {}

local function free_expired(lane, set, counted, crashed)
  local name = lane_key(lane, set)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', name, '-inf', now, 'LIMIT', 0, 1000)) do
    local taken = tonumber(redis.call('HGET', lane_key(lane, 'taken'), key) or '0')
    redis.call('ZREM', name, key)
    unlease(lane, key)
    redis.call('ZADD', lane_key(lane, 'due'), now, key)
    count(lane, counted, -taken)
    count(lane, 'waiting', taken)
    if crashed then
      redis.call('HINCRBY', lane_key(lane, 'crashes'), key, 1)
    end
  end
end

for i = 5, #ARGV, 2 do
  local lane, slots = ARGV[i], tonumber(ARGV[i + 1])
  free_expired(lane, 'leased', 'leased', true)
  free_expired(lane, 'held', 'held', false)
  local asleep = redis.call('ZCOUNT', lane_key(lane, 'slots'), string.format('(%.0f', now), '+inf') == 0
  local slot = asleep and wake(lane, slots, wake_ms) or ''
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
  local letter = PREFIX .. ':dead:' .. id
  local lane, reason = unpack(redis.call('HMGET', letter, 'lane', 'reason'))
  local items = redis.call('LRANGE', letter .. ':items', 0, -1)
  redis.call('DEL', letter, letter .. ':items')
  redis.call('ZREM', PREFIX .. ':dead', id)
  redis.call('HINCRBY', PREFIX .. ':dead:reasons', lane .. ' ' .. reason, -1)
  close_events(items, lane, 'discarded: too old', keep_ms)
  count(lane, 'dead', -#items)
  count(lane, 'discarded', #items)
end
return { wakes, long }
