-- Drop a dead letter for good, by the word of a person.
-- ARGV: now, id, keep_ms. Returns: the number of items dropped, 0 when the letter is not there (any more).
run_when_full()
local letter = PREFIX .. ':dead:' .. ARGV[2]
local lane, reason = unpack(redis.call('HMGET', letter, 'lane', 'reason'))
if not lane then
  return 0
end
local items = redis.call('LRANGE', letter .. ':items', 0, -1)
redis.call('DEL', letter, letter .. ':items')
redis.call('ZREM', PREFIX .. ':dead', ARGV[2])
redis.call('HINCRBY', PREFIX .. ':dead:reasons', lane .. ' ' .. reason, -1)
close_events(items, lane, 'discarded', tonumber(ARGV[3]))
count(lane, 'dead', -#items)
count(lane, 'discarded', #items)
return #items
