-- Append items to keys of one lane.
-- ARGV: now, lane, wake_ms, then per item: key, wait (ms from now), item.
-- Returns: the slot to wake, or ''.
local lane, wake_ms = ARGV[2], tonumber(ARGV[3])
for i = 4, #ARGV, 3 do
  append(lane, ARGV[i], now + tonumber(ARGV[i + 1]), ARGV[i + 2])
end
local pushed = (#ARGV - 3) / 3
count(lane, 'pushed', pushed)
count(lane, 'waiting', pushed)
return wake(lane, 1, wake_ms)
