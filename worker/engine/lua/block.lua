-- Let no call of a budget start for a while; a block that lasts longer already stays.
-- ARGV: now, budget, ms. Returns: until when. Runs when the store is full.
run_when_full()
local name, till = PREFIX .. ':budget:' .. ARGV[2] .. ':until', now + tonumber(ARGV[3])
local before = tonumber(redis.call('GET', name) or '0')
if before >= till then
  return string.format('%.0f', before)
end
redis.call('SET', name, string.format('%.0f', till), 'PX', till - now)
return string.format('%.0f', till)
