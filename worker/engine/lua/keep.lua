-- Keep events and put each on the lane `map`; an event that is kept already is a repeat.
-- ARGV: now, repeat_ms, wake_ms, then per event: id, head (JSON), arrival (16 digits), body.
-- Returns: {slot to wake or '', 1 (new) or 0 (a repeat) per event}. Refused when the store is full.
local repeat_ms, wake_ms = tonumber(ARGV[2]), tonumber(ARGV[3])
local due, stamp = lane_key('map', 'due'), string.format('%.0f', now)
local answer = { '' }
local kept = 0
for i = 4, #ARGV, 4 do
  local id, head, arrival, body = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local event = PREFIX .. ':event:' .. id
  local old = redis.call('HMGET', event, 'at', 'open')
  if old[1] and (tonumber(old[2]) > 0 or now - tonumber(old[1]) < repeat_ms) then
    answer[#answer + 1] = 0
  else
    -- First, so that a full store refuses before anything is written. An event that is new, or whose last delivery has
    -- ended, is nowhere on the lane: what `append` asks for need not be asked.
    redis.call('RPUSH', items_key('map', id), id .. arrival)
    redis.call('ZADD', due, now, id)
    if old[1] then
      redis.call('DEL', event)
    end
    redis.call('HSET', event, 'head', head, 'body', body, 'at', stamp, 'open', 1)
    kept = kept + 1
    answer[#answer + 1] = 1
  end
end
count('map', 'pushed', kept)
count('map', 'waiting', kept)
if kept > 0 then
  answer[1] = wake('map', 1, wake_ms)
end
return answer
