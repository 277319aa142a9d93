-- Put the items of a dead letter back on their lane.
-- ARGV: now, id, wake_ms, then the items as they shall be pushed.
-- Returns: '' when the letter is not there (any more), else {slot to wake or ''}.
local letter = PREFIX .. ':dead:' .. ARGV[2]
local lane, key, reason = unpack(redis.call('HMGET', letter, 'lane', 'key', 'reason'))
if not lane then
  return ''
end
redis.call('DEL', letter, letter .. ':items')
redis.call('ZREM', PREFIX .. ':dead', ARGV[2])
redis.call('HINCRBY', PREFIX .. ':dead:reasons', lane .. ' ' .. reason, -1)
for i = 4, #ARGV do
  append(lane, key, now, ARGV[i])
end
count(lane, 'dead', 3 - #ARGV)
count(lane, 'waiting', #ARGV - 3)
return { wake(lane, 1, tonumber(ARGV[3])) }
