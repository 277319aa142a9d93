-- Put the items of a dead letter back on their lane.
-- ARGV: now, id, wake_ms, then the items as they shall be pushed: as many as the letter has.
-- Returns: '' when the letter is not there (any more) or has another number of items, else {slot to wake or ''}.
-- Runs when the store is full.
local pushed = #ARGV - 3
if redis.call('LLEN', PREFIX .. ':dead:' .. ARGV[2] .. ':items') ~= pushed then
  return ''
end
local lane, key = unbury(ARGV[2])
if not lane then
  return ''
end
for i = 4, #ARGV do
  append(lane, key, now, ARGV[i])
end
count(lane, 'dead', -pushed)
count(lane, 'waiting', pushed)
return { wake(lane, 1, tonumber(ARGV[3])) }
