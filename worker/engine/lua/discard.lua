-- Drop a dead letter for good, by the word of a person.
-- ARGV: now, id, keep_ms. Returns: the number of items dropped, 0 when the letter is not there (any more).
run_when_full()
local lane, _, items = unbury(ARGV[2])
if not lane then
  return 0
end
close_events(items, lane, 'discarded', tonumber(ARGV[3]))
count(lane, 'dead', -#items)
count(lane, 'discarded', #items)
return #items
