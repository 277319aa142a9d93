-- End the lease of keys with what became of their items; only the holder of the token may.
-- ARGV: now, lane, records, keep_ms (compact event lines), pause_first_ms, pause_cap_ms, record_ms (how long a record
-- lives after it was written, 0 for ever), then per key 12 fields:
--   key, token, action, outcome, delay, health, record, image, links, reason, field, detail
-- action `done`: the taken items leave with `outcome` (a name of the counts); `reason` tells why, '' for no reason;
--   `bury`: they become a dead letter (reason, field, detail); `retry`: due after `delay` ms, counts an attempt unless the
--   lane is paused; `defer`: likewise, counts none; `hold`: they wait in `held` until they are settled with the same token,
--   or for `delay` ms; the record, image and links given are put aside for the settlement that says record `=`.
-- health `ok` ends a pause, `fail` counts towards one, '' says nothing, nor does `aside`: no call could be made, so a
--   probe makes way for the next, and crashes count on.
-- steps end with what ends here, but for the `started` of a `bury`: when a process began there that may still run.
-- record and image: '' leaves them as they are, `-` removes them. links: JSON list of [op (`add`/`remove`), set], members
--   of the set are keys of the lane.
-- Returns: 1 per key settled, 0 per key whose lease was lost (nothing is changed then). Runs when the store is full.
local ACTIONS = { done = true, bury = true, retry = true, defer = true, hold = true }
local OUTCOMES = { delivered = true, unchanged = true, superseded = true, ignored = true, erased = true, discarded = true }
local all_links = {}
for i = 8, #ARGV, 12 do
  local action, delay = ARGV[i + 2], tonumber(ARGV[i + 4])
  if not ARGV[i + 11] or not ACTIONS[action] or not delay or (action == 'done' and not OUTCOMES[ARGV[i + 3]]) then
    return redis.error_reply('ERR not a settlement')
  end
  all_links[i] = ARGV[i + 8] ~= '' and cjson.decode(ARGV[i + 8]) or {}
end
run_when_full()
local lane, records, keep_ms = ARGV[2], ARGV[3], tonumber(ARGV[4])
local pause_first, pause_cap, record_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local counts = {}

local function move(name, by)
  counts[name] = (counts[name] or 0) + by
end

local function record_latency(items)
  local hour = lane_key(lane, 'hour:' .. math.floor(now / 3600000))
  local buckets, sum = {}, 0
  for _, item in ipairs(items) do
    local waited = math.max(1, now - math.floor(tonumber(string.sub(item, ID + 1, HEAD)) / 1000))
    local bucket = math.ceil(math.log(waited) / math.log(1.25))
    buckets[bucket] = (buckets[bucket] or 0) + 1
    sum = sum + waited
  end
  for bucket, number in pairs(buckets) do
    redis.call('HINCRBY', hour, 'b' .. bucket, number)
  end
  redis.call('HINCRBY', hour, 'ms', math.floor(sum))
  redis.call('HINCRBY', hour, 'items', #items)
  redis.call('PEXPIRE', hour, 90000000)
end

local function note_health(key, action, health)
  if health == 'ok' then
    for _, scope in ipairs(scopes(lane)) do
      redis.call('DEL', PREFIX .. ':pause:' .. scope)
    end
    redis.call('DEL', lane_key(lane, 'failing'))
  elseif health == 'aside' or (health == '' and action == 'done') then -- a probe without a call makes way for the next
    for _, scope in ipairs(scopes(lane)) do
      if redis.call('HGET', PREFIX .. ':pause:' .. scope, 'probing') == lane then
        redis.call('HSET', PREFIX .. ':pause:' .. scope, 'until', string.format('%.0f', now))
      end
    end
  elseif health == 'fail' then
    redis.call('SADD', lane_key(lane, 'failing'), key)
    if redis.call('SCARD', lane_key(lane, 'failing')) >= FAILURES then
      pause(lane, 'failing', pause_first, pause_cap)
      redis.call('PEXPIRE', lane_key(lane, 'failing'), 86400000)
    end
  end
end

local function write_record(key, record, image, links)
  local name = PREFIX .. ':' .. records .. ':' .. key
  if record == '-' then
    redis.call('DEL', name)
  elseif record ~= '' then
    redis.call('HDEL', name, 'doubt', 'held', 'held_image', 'held_links')
    redis.call('HSET', name, 'known', record)
    if record_ms > 0 then
      redis.call('PEXPIRE', name, record_ms)
    end
  end
  if image == '-' then
    redis.call('HDEL', name, 'image')
  elseif image ~= '' then
    redis.call('HSET', name, 'image', image)
  end
  for _, link in ipairs(links) do
    redis.call(link[1] == 'add' and 'SADD' or 'SREM', PREFIX .. ':' .. link[2], key)
  end
end

-- What the settlement says of the record; for a held key it may be what was put aside when it was held.
local function said_of_record(i, key, was_held)
  local record, image, links = ARGV[i + 6], ARGV[i + 7], all_links[i]
  if was_held then
    local name = PREFIX .. ':' .. records .. ':' .. key
    local aside = redis.call('HMGET', name, 'held', 'held_image', 'held_links')
    redis.call('HDEL', name, 'held', 'held_image', 'held_links')
    if record == '=' then
      return aside[1] or '', aside[2] or '', cjson.decode(aside[3] or '[]')
    end
  end
  return record == '=' and '' or record, image, links
end

local function finish(key, taken, action, outcome, reason, field, detail)
  local items = redis.call('LRANGE', items_key(lane, key), 0, taken - 1)
  redis.call('LTRIM', items_key(lane, key), taken, -1)
  if action == 'bury' then
    bury(lane, key, items, reason, field, detail)
    move('dead', #items)
  else
    close_events(items, lane, reason == '' and outcome or outcome .. ': ' .. reason, keep_ms)
    move(outcome, #items)
    if outcome == 'delivered' then
      record_latency(items)
    end
  end
  redis.call('HDEL', lane_key(lane, 'attempts'), key)
  local rest = redis.call('LLEN', items_key(lane, key))
  if rest > 0 then
    redis.call('ZADD', lane_key(lane, 'due'), now, key)
  end
  if rest <= FOLD_ABOVE then
    redis.call('SREM', lane_key(lane, 'long'), key)
  end
end

-- Steps are answers about what ends here; only a process that may still run there goes on.
local function end_steps(name, action)
  local started = action == 'bury' and string.match(redis.call('HGET', name, 'steps') or '', '"started":(%d+)')
  redis.call('HDEL', name, 'steps')
  if started then
    redis.call('HSET', name, 'steps', '{"started":' .. started .. '}')
  end
end

local answer = {}
for i = 8, #ARGV, 12 do
  local key, token, action, outcome = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local at, health = now + tonumber(ARGV[i + 4]), ARGV[i + 5]
  if not holds(lane, key, token) then
    answer[#answer + 1] = 0
  else
    local taken = tonumber(redis.call('HGET', lane_key(lane, 'taken'), key))
    local was_held = redis.call('ZREM', lane_key(lane, 'held'), key) == 1
    unlease(lane, key)
    if health ~= 'aside' then
      redis.call('HDEL', lane_key(lane, 'crashes'), key)
    end
    move(was_held and 'held' or 'leased', -taken)
    note_health(key, action, health)
    local record, image, links = said_of_record(i, key, was_held)
    if action ~= 'hold' then
      write_record(key, record, image, links)
    end
    if action == 'done' or action == 'bury' then
      end_steps(PREFIX .. ':' .. records .. ':' .. key, action)
      finish(key, taken, action, outcome, ARGV[i + 9], ARGV[i + 10], ARGV[i + 11])
    elseif action == 'hold' then
      redis.call('ZADD', lane_key(lane, 'held'), at, key)
      redis.call('HSET', lane_key(lane, 'taken'), key, taken)
      redis.call('HSET', lane_key(lane, 'tokens'), key, token)
      redis.call('HSET', PREFIX .. ':' .. records .. ':' .. key, 'held', record, 'held_image', image,
        'held_links', #links > 0 and cjson.encode(links) or '[]')
      move('held', taken)
    else
      if action == 'retry' and not is_paused(lane) then
        redis.call('HINCRBY', lane_key(lane, 'attempts'), key, 1)
      end
      redis.call('ZADD', lane_key(lane, 'due'), at, key)
      move('waiting', taken)
    end
    answer[#answer + 1] = 1
  end
end
for name, by in pairs(counts) do
  count(lane, name, by)
end
return answer
