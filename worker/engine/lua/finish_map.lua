-- Settle mapped events: push each change on its lanes, count, and end the lease; all of an event or nothing of it.
-- ARGV: now, wake_ms, keep_ms, then per event: id, token, reason ('' or why it is ignored), notes (JSON, '' for none),
--   number of pushes, and per push: lane, key, wait (ms from now), item, most that gather until then (0: any number);
--   number of guards, and per guard: key, the revision its field `rev` must have ('' where there is no such key);
--   number of writes, and per write: command, number of arguments, key, the other arguments. Keys without the prefix.
-- Returns: {{1 per event settled, 0 per lease lost, 2 per guard that failed: nothing of that event was done and its lease
-- stands}, {lane, slot to wake, ...}}. Runs when the store is full.
run_when_full()
local WRITES = { HSET = true, HDEL = true, DEL = true, RPUSH = true, ZADD = true, ZREM = true, PEXPIRE = true }
local wake_ms, keep_ms = tonumber(ARGV[2]), tonumber(ARGV[3])
local settled, lanes, order = {}, {}, {}
local ended, lists, ignored = {}, {}, 0 -- written at once, after the loop
-- What an event that was not settled would have written. Those behind it were booked on top of that: another worker may
-- have given its key the revision that they expect, but not what they read.
local undone = {}
local i = 4
while i <= #ARGV do
  local id, token, reason, notes, pushes = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  i = i + 5
  local first_guard = i + pushes * 5
  local guards = tonumber(ARGV[first_guard])
  local held, stands = holds('map', id, token), true
  for at = first_guard + 1, first_guard + guards * 2, 2 do
    local revision = redis.call('HGET', PREFIX .. ':' .. ARGV[at], 'rev') or ''
    stands = stands and not undone[ARGV[at]] and revision == ARGV[at + 1]
  end
  local first_write = first_guard + 1 + guards * 2
  if tonumber(ARGV[first_write]) > 0 and not (held and stands) then
    for at = first_guard + 1, first_guard + guards * 2, 2 do
      undone[ARGV[at]] = true
    end
  end
  local next_event = first_write + 1
  for _ = 1, tonumber(ARGV[first_write]) do
    if not WRITES[ARGV[next_event]] then
      return redis.error_reply('ERR not a write')
    end
    next_event = next_event + 2 + tonumber(ARGV[next_event + 1])
  end
  if not held then
    settled[#settled + 1] = 0
  elseif not stands then
    settled[#settled + 1] = 2
  else
    local write = first_write + 1
    while write < next_event do
      local arguments = tonumber(ARGV[write + 1])
      redis.call(ARGV[write], PREFIX .. ':' .. ARGV[write + 2], unpack(ARGV, write + 3, write + 1 + arguments))
      write = write + 2 + arguments
    end
    redis.call('HDEL', lane_key('map', 'tokens'), id) -- but this: an event named twice is settled once
    ended[#ended + 1], lists[#lists + 1] = id, items_key('map', id)
    local event = PREFIX .. ':event:' .. id
    if notes ~= '' then
      redis.call('HSET', event, 'notes', notes)
    end
    if pushes == 0 then
      ignored = ignored + 1
      redis.call('HINCRBY', PREFIX .. ':ignored', reason, 1)
      close_event(id, 'map', 'ignored: ' .. reason, keep_ms)
    else
      redis.call('HSET', event, 'open', pushes)
    end
    for push = 0, pushes - 1 do
      local at = i + push * 5
      local lane = ARGV[at]
      append(lane, ARGV[at + 1], now + tonumber(ARGV[at + 2]), ARGV[at + 3], tonumber(ARGV[at + 4]))
      if not lanes[lane] then
        order[#order + 1] = lane
      end
      lanes[lane] = (lanes[lane] or 0) + 1
    end
    settled[#settled + 1] = 1
  end
  i = next_event
end
if #ended > 0 then
  redis.call('ZREM', lane_key('map', 'leased'), unpack(ended))
  for _, name in ipairs({ 'taken', 'crashes', 'attempts' }) do
    redis.call('HDEL', lane_key('map', name), unpack(ended))
  end
  redis.call('DEL', unpack(lists))
  count('map', 'leased', -#ended)
  count('map', 'ignored', ignored)
  count('map', 'delivered', #ended - ignored)
end
local wakes = {}
for _, lane in ipairs(order) do
  count(lane, 'pushed', lanes[lane])
  count(lane, 'waiting', lanes[lane])
  local slot = wake(lane, 1, wake_ms)
  if slot ~= '' then
    wakes[#wakes + 1] = lane
    wakes[#wakes + 1] = slot
  end
end
return { settled, wakes }
