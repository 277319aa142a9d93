-- Replace the first n items of a key by their fold, unless anything happened to them since they were read.
-- ARGV: now, lane, key, n, first item as read, last (n-th) item as read, keep_ms, folded item.
-- Returns: 1 when it was done, 0 when the key is leased, held or changed at its head, or when the folded item stands for
-- none of the events. Counts n-1 items as superseded: the folded one stands for one event, the others are closed. The time
-- the key waits for stays as it is. Runs when the store is full.
run_when_full()
local lane, key, n = ARGV[2], ARGV[3], tonumber(ARGV[4])
local list = items_key(lane, key)
if redis.call('ZSCORE', lane_key(lane, 'leased'), key) or redis.call('ZSCORE', lane_key(lane, 'held'), key)
  or redis.call('LINDEX', list, 0) ~= ARGV[5] or redis.call('LINDEX', list, n - 1) ~= ARGV[6] then
  return 0
end
local items = redis.call('LRANGE', list, 0, n - 1)
local stays = nil
for index, item in ipairs(items) do
  if string.sub(item, 1, ID) == string.sub(ARGV[8], 1, ID) then
    stays = index
  end
end
if not stays then
  return 0
end
table.remove(items, stays)
redis.call('LTRIM', list, n, -1)
redis.call('LPUSH', list, ARGV[8])
close_events(items, lane, 'superseded', tonumber(ARGV[7]))
count(lane, 'waiting', 1 - n)
count(lane, 'superseded', n - 1)
if redis.call('LLEN', list) <= FOLD_ABOVE then
  redis.call('SREM', lane_key(lane, 'long'), key)
end
return 1
