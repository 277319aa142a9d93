-- Replace the first n items of a key by their fold, unless anything happened to them since they were read.
-- ARGV: now, lane, key, n, first item as read, last (n-th) item as read, keep_ms, folded item.
-- Returns: 1 when it was done, 0 when the key is leased, held or changed at its head. Counts n-1 items as superseded; the
-- folded item stands for the newest event, the others are closed. The time the key waits for stays as it is.
run_when_full()
local lane, key, n = ARGV[2], ARGV[3], tonumber(ARGV[4])
local list = items_key(lane, key)
if redis.call('ZSCORE', lane_key(lane, 'leased'), key) or redis.call('ZSCORE', lane_key(lane, 'held'), key)
  or redis.call('LINDEX', list, 0) ~= ARGV[5] or redis.call('LINDEX', list, n - 1) ~= ARGV[6] then
  return 0
end
local items = redis.call('LRANGE', list, 0, n - 1)
redis.call('LTRIM', list, n, -1)
redis.call('LPUSH', list, ARGV[8])
local stays = string.sub(ARGV[8], 1, ID)
local spared = false
for _, item in ipairs(items) do
  local id = string.sub(item, 1, ID)
  if id == stays and not spared then
    spared = true
  else
    close_event(id, lane, 'superseded', tonumber(ARGV[7]))
  end
end
count(lane, 'waiting', 1 - n)
count(lane, 'superseded', n - 1)
if redis.call('LLEN', list) <= FOLD_ABOVE then
  redis.call('SREM', lane_key(lane, 'long'), key)
end
return 1
