-- What every script shares. KEYS[1] is the prefix of all keys, with the hash tag; ARGV[1] is the time in milliseconds,
-- or '' for the server's own clock.
local PREFIX = KEYS[1]
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local FOLD_ABOVE = 32       -- a list longer than this is folded in place
local CLAIM_ITEMS = 100     -- what one claim takes of one key
local CLAIM_BYTES = 1048576
local CRASHES = 3           -- a key that killed its worker this often is buried
local SUSPECT = 2           -- and this often: is claimed alone. Once, any worker may die with all that it holds
local FAILURES = 3          -- failing keys without a success between that pause a lane
local SUSPECT_MS = 60000    -- longer than any lease is renewed
local PROBE_MS = 12000      -- one probe of a paused lane, its call and its settling included
local BURST = 128           -- so many events waiting to be mapped are a burst
local GATHER_MS = 3000      -- what a change waits at most for the rest of a burst
local ID, HEAD = 32, 48     -- an item is: event id (32), arrival in microseconds (16), JSON

local function lane_key(lane, what)
  return PREFIX .. ':lane:' .. lane .. ':' .. what
end

local function items_key(lane, key)
  return PREFIX .. ':lane:' .. lane .. ':items:' .. key
end

local function count(lane, name, by)
  if by ~= 0 then
    redis.call('HINCRBY', lane_key(lane, 'counts'), name, by)
  end
end

-- At maxmemory Redis refuses a script whose first write may grow; one that freed first is let through to its end.
local function run_when_full()
  redis.call('DEL', PREFIX .. ':room')
end

-- Append an item to a key. A key that waits keeps its time; one that is leased or held gets none. Keys that gather
-- until `ready` are all due as soon as there are `most` of them (0: never sooner).
local function append(lane, key, ready, item, most)
  local length = redis.call('RPUSH', items_key(lane, key), item)
  if not redis.call('ZSCORE', lane_key(lane, 'leased'), key)
    and not redis.call('ZSCORE', lane_key(lane, 'held'), key) then
    local added = redis.call('ZADD', lane_key(lane, 'due'), 'NX', ready, key)
    if added == 1 and ready > now and most and most > 0 then
      redis.call('SADD', lane_key(lane, 'gathering'), key)
      if redis.call('SCARD', lane_key(lane, 'gathering')) >= most then
        for _, gathered in ipairs(redis.call('SMEMBERS', lane_key(lane, 'gathering'))) do
          redis.call('ZADD', lane_key(lane, 'due'), 'XX', now, gathered)
        end
        redis.call('DEL', lane_key(lane, 'gathering'))
      end
    end
  end
  if length > FOLD_ABOVE then
    redis.call('SADD', lane_key(lane, 'long'), key)
  end
end

-- The scopes whose pause stops a lane: the lane itself, and the destination before the dot.
local function scopes(lane)
  local destination = string.match(lane, '^([^.]+)%.')
  if destination then
    return { lane, destination }
  end
  return { lane }
end

local function paused_until(lane)
  local last = nil
  for _, scope in ipairs(scopes(lane)) do
    local till = tonumber(redis.call('HGET', PREFIX .. ':pause:' .. scope, 'until') or '')
    if till and (not last or till > last) then
      last = till
    end
  end
  return last
end

local function is_paused(lane)
  local till = paused_until(lane)
  return till and till > now
end

-- Pause a scope, each time twice as long. A pause that is still running is not lengthened by answers to calls that
-- started before it.
local function pause(scope, reason, first_ms, cap_ms)
  local name = PREFIX .. ':pause:' .. scope
  local till = tonumber(redis.call('HGET', name, 'until') or '')
  local probing = redis.call('HGET', name, 'probing')
  if till and till > now and not probing then
    return till
  end
  local times = redis.call('HINCRBY', name, 'times', 1)
  till = now + math.min(cap_ms, first_ms * 2 ^ math.min(times - 1, 20))
  redis.call('HSET', name, 'reason', reason, 'until', string.format('%.0f', till))
  redis.call('HSETNX', name, 'since', string.format('%.0f', now))
  redis.call('HDEL', name, 'probing')
  return till
end

-- Up to when keys of a lane are due. While a burst is being mapped, a change waits a moment for what follows it: many of
-- one customer then fold into one call.
local function due_until(lane)
  if lane ~= 'map' and redis.call('ZCOUNT', lane_key('map', 'due'), '-inf', now) >= BURST then
    return now - GATHER_MS
  end
  return now
end

local function is_due(lane)
  return #redis.call('ZRANGEBYSCORE', lane_key(lane, 'due'), '-inf', due_until(lane), 'LIMIT', 0, 1) > 0
end

-- Take one of the lane's slots for a drain that is about to be woken; '' when none is wanted.
local function wake(lane, slots, lease_ms)
  local name = lane_key(lane, 'slots')
  redis.call('ZREMRANGEBYSCORE', name, '-inf', now)
  if redis.call('ZCARD', name) >= slots or not is_due(lane) then
    return ''
  end
  if is_paused(lane) then
    return ''
  end
  local slot = tostring(redis.call('INCR', PREFIX .. ':sequence'))
  redis.call('ZADD', name, now + lease_ms, slot)
  return slot
end

-- One delivery of an event has ended. With the last one the raw body goes and a compact line stays for a while.
local function close_event(id, lane, outcome, keep_ms)
  local event = PREFIX .. ':event:' .. id
  if redis.call('EXISTS', event) == 0 then
    return
  end
  redis.call('HSET', event, 'result:' .. lane, outcome)
  if redis.call('HINCRBY', event, 'open', -1) <= 0 then
    redis.call('HDEL', event, 'body')
    redis.call('PEXPIRE', event, keep_ms)
  end
end

local function close_events(items, lane, outcome, keep_ms)
  for _, item in ipairs(items) do
    close_event(string.sub(item, 1, ID), lane, outcome, keep_ms)
  end
end

-- Move items of a key into a dead letter. The counts are the caller's business.
local function bury(lane, key, items, reason, field, detail)
  local id = tostring(redis.call('INCR', PREFIX .. ':sequence'))
  local letter = PREFIX .. ':dead:' .. id
  redis.call('HSET', letter, 'lane', lane, 'key', key, 'reason', reason, 'field', field, 'detail', detail,
    'at', string.format('%.0f', now))
  for _, item in ipairs(items) do
    redis.call('RPUSH', letter .. ':items', item)
  end
  redis.call('ZADD', PREFIX .. ':dead', now, id)
  redis.call('HINCRBY', PREFIX .. ':dead:reasons', lane .. ' ' .. reason, 1)
  return id
end

-- Take a dead letter off the shelf: its lane, key and items; nothing when it is not there (any more).
local function unbury(id)
  local letter = PREFIX .. ':dead:' .. id
  local lane, key, reason = unpack(redis.call('HMGET', letter, 'lane', 'key', 'reason'))
  local items = redis.call('LRANGE', letter .. ':items', 0, -1)
  redis.call('DEL', letter, letter .. ':items')
  redis.call('ZREM', PREFIX .. ':dead', id)
  if not lane then
    return nil
  end
  local reasons = PREFIX .. ':dead:reasons'
  if redis.call('HINCRBY', reasons, lane .. ' ' .. reason, -1) <= 0 then
    redis.call('HDEL', reasons, lane .. ' ' .. reason)
  end
  return lane, key, items
end

local function unlease(lane, key)
  redis.call('ZREM', lane_key(lane, 'leased'), key)
  redis.call('HDEL', lane_key(lane, 'tokens'), key)
  redis.call('HDEL', lane_key(lane, 'taken'), key)
end

-- A key that is leased or held is due again, whatever became of the work on it.
local function free(lane, set, key)
  local taken = tonumber(redis.call('HGET', lane_key(lane, 'taken'), key) or '0')
  redis.call('ZREM', lane_key(lane, set), key)
  unlease(lane, key)
  redis.call('ZADD', lane_key(lane, 'due'), now, key)
  count(lane, set, -taken)
  count(lane, 'waiting', taken)
end

local function holds(lane, key, token)
  return redis.call('HGET', lane_key(lane, 'tokens'), key) == token
end
