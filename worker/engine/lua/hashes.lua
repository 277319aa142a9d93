-- Read many hashes at once: an answer for each command of a pipeline costs its client several times as much.
-- ARGV: now, keys without the prefix. Returns: {field, value, ...} of each.
local found = {}
for i = 2, #ARGV do
  found[i - 1] = redis.call('HGETALL', PREFIX .. ':' .. ARGV[i])
end
return found
