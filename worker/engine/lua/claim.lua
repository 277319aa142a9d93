-- Lease up to n due keys of a lane to one drain.
-- ARGV: now, lane, slot, slots of the lane, n, lease_ms, records (the key of a claimed key's record is PREFIX:records:key).
-- Returns: {'paused', ms until it ends} | {'surplus'} | {'idle', ms until the next is due or ''} and the slot is free
--   again, or {'claimed', slot to wake or '', per key: {key, token, attempts, crashes, {items}, {record}}}.
-- A key that crashed SUSPECT times is claimed alone, and while it is at work no other of its kind is on any lane: of two
-- that crash together nobody could tell which one does it. After CRASHES it is buried here. Where more is due than is
-- claimed, a quarter of it is what came last, so that no backlog starves a live event. Runs when the store is full.
run_when_full()
local lane, slot, slots = ARGV[2], ARGV[3], tonumber(ARGV[4])
local n, lease_ms, records = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local due, slots_key = lane_key(lane, 'due'), lane_key(lane, 'slots')

local function let_go(answer)
  redis.call('ZREM', slots_key, slot)
  return answer
end

local till = paused_until(lane)
if till and till > now then
  return let_go({ 'paused', string.format('%.0f', till - now) })
end
redis.call('ZREMRANGEBYSCORE', slots_key, '-inf', now)
local others = redis.call('ZCARD', slots_key) - (redis.call('ZSCORE', slots_key, slot) and 1 or 0)
if others >= slots then
  return let_go({ 'surplus' })
end
if not is_due(lane) then
  local next_due = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  return let_go({ 'idle', next_due[2] and string.format('%.0f', tonumber(next_due[2]) - now) or '' })
end
if till then -- the pause is over: one key goes first and shows whether the way is free
  n = 1
end

local function suspect_at_work()
  local other, key, token = unpack(redis.call('HMGET', PREFIX .. ':suspect', 'lane', 'key', 'token'))
  return other and holds(other, key, token)
end

local crashed = redis.call('HLEN', lane_key(lane, 'crashes'))
local has_attempts = redis.call('EXISTS', lane_key(lane, 'attempts')) == 1

local function crashes_of(key)
  return crashed > 0 and tonumber(redis.call('HGET', lane_key(lane, 'crashes'), key)) or 0
end

local function attempts_of(key)
  return has_attempts and tonumber(redis.call('HGET', lane_key(lane, 'attempts'), key)) or 0
end

-- How many of n are taken from the newest end: of single claims every fourth.
local function live_share(moment)
  if lane == 'map' or redis.call('ZCOUNT', due, '-inf', moment) <= n then
    return 0
  elseif n > 1 then
    return math.floor(n / 4)
  end
  return redis.call('INCR', lane_key(lane, 'turn')) % 4 == 0 and 1 or 0
end

local chosen, leases, seen = {}, 0, {}

local function choose(keys, most)
  for _, key in ipairs(keys) do
    local crashes = crashes_of(key)
    if leases >= most then
      break
    elseif not seen[key] then
      seen[key] = true
      if crashes < SUSPECT then
        chosen[#chosen + 1], leases = key, leases + 1
      elseif crashes >= CRASHES then
        chosen[#chosen + 1] = key
      elseif leases == 0 and not suspect_at_work() then
        chosen[#chosen + 1], leases = key, n
      end
    end
  end
end

local moment = due_until(lane)
local live = live_share(moment)
local reach = n + crashed
choose(redis.call('ZRANGEBYSCORE', due, '-inf', moment, 'LIMIT', 0, reach), n - live)
if live > 0 then
  choose(redis.call('ZREVRANGEBYSCORE', due, moment, '-inf', 'LIMIT', 0, live + crashed), n)
end
if #chosen == 0 then
  return let_go({ 'idle', '' })
end
if till then
  for _, scope in ipairs(scopes(lane)) do
    local name = PREFIX .. ':pause:' .. scope
    if redis.call('EXISTS', name) == 1 then
      redis.call('HSET', name, 'until', string.format('%.0f', now + PROBE_MS), 'probing', lane)
    end
  end
end

-- Of the leases of one claim, what goes to the same place is written at once, by write_leases.
local not_due, expiries, tokens, taken, leased = {}, {}, {}, {}, 0

local function lease(key, crashes)
  local items, size = redis.call('LRANGE', items_key(lane, key), 0, CLAIM_ITEMS - 1), 0
  for index, item in ipairs(items) do
    size = size + #item
    if size > CLAIM_BYTES and index > 1 then
      for last = #items, index, -1 do
        items[last] = nil
      end
      break
    end
  end
  not_due[#not_due + 1] = key
  if #items == 0 then -- its items were taken away meanwhile; a lease on nothing would settle what comes later
    return nil
  end
  local token = tostring(redis.call('INCR', PREFIX .. ':sequence'))
  local at = #tokens
  expiries[at + 1], expiries[at + 2] = now + lease_ms, key
  tokens[at + 1], tokens[at + 2] = key, token
  taken[at + 1], taken[at + 2] = key, #items
  leased = leased + #items
  if crashes >= SUSPECT then
    redis.call('HSET', PREFIX .. ':suspect', 'lane', lane, 'key', key, 'token', token)
    redis.call('PEXPIRE', PREFIX .. ':suspect', SUSPECT_MS)
  end
  local record = redis.call('HGETALL', PREFIX .. ':' .. records .. ':' .. key)
  return { key, token, attempts_of(key), crashes, items, record }
end

local function write_leases()
  if #not_due > 0 then
    redis.call('ZREM', due, unpack(not_due))
    redis.call('SREM', lane_key(lane, 'gathering'), unpack(not_due))
  end
  if #tokens > 0 then
    redis.call('ZADD', lane_key(lane, 'leased'), unpack(expiries))
    redis.call('HSET', lane_key(lane, 'tokens'), unpack(tokens))
    redis.call('HSET', lane_key(lane, 'taken'), unpack(taken))
  end
  count(lane, 'waiting', -leased)
  count(lane, 'leased', leased)
end

local function bury_poison(key)
  local items = redis.call('LRANGE', items_key(lane, key), 0, -1)
  bury(lane, key, items, 'poison', '', 'its worker died ' .. CRASHES .. ' times')
  redis.call('DEL', items_key(lane, key))
  redis.call('ZREM', due, key)
  redis.call('SREM', lane_key(lane, 'long'), key)
  redis.call('SREM', lane_key(lane, 'gathering'), key)
  redis.call('HDEL', lane_key(lane, 'crashes'), key)
  redis.call('HDEL', lane_key(lane, 'attempts'), key)
  count(lane, 'waiting', -#items)
  count(lane, 'dead', #items)
end

local answer = { 'claimed', '' }
for _, key in ipairs(chosen) do
  local crashes = crashes_of(key)
  if crashes >= CRASHES then
    bury_poison(key)
  else
    answer[#answer + 1] = lease(key, crashes)
  end
end
write_leases()
redis.call('ZADD', slots_key, now + lease_ms, slot)
if not till then
  answer[2] = wake(lane, slots, lease_ms)
end
return answer
