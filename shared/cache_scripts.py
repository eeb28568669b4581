"""What the cache has Redis do, each in one step (Lua): entries with their leases, and the log of changes.

The log is a stream. Each warning of a change is an element of it: a position in it says what its holder knows of.
Elements have the token of who wrote them beside Redis's id: a log that was lost and begun anew is known by that.
"""

LOG_LENGTH = 64
"""Who is further behind forgets all that it has, little of which is still asked for."""

# What has begun to change since a position: {position, names, one a line}; {position} to who must forget everything.
NEWS = """
local function place(element) return element[1] .. ' ' .. element[2][2] end

local function news(log, position, token)
  local id = string.match(position, '^%S+')
  local since = id and redis.call('XRANGE', log, id, '+') or {}
  if since[1] and place(since[1]) == position then
    local changing = {}
    for at = 2, #since do changing[at - 1] = since[at][2][4] end
    return {place(since[#since]), table.concat(changing, '\\n')}
  end
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if last then return {place(last)} end
  return {redis.call('XADD', log, '*', 'by', token, 'changing', '') .. ' ' .. token}
end
"""

# KEYS[1] the log. ARGV: position, a token.
RENEW = f"{NEWS} return news(KEYS[1], ARGV[1], ARGV[2])"

# {answer, news}. The answer is {etag, body, milliseconds to live, who is about to change it}: the entry that is there;
# {token}: of another's lease, to be waited for; {}: the lease is ours.
# KEYS: the key, the log. ARGV: token, the lease's milliseconds, its age in milliseconds when it may be taken over,
# position.
READ_OR_LEASE = f"""{NEWS}
local news_now = news(KEYS[2], ARGV[4], ARGV[1])
local entry = redis.call('HMGET', KEYS[1], 'etag', 'body', 'lease', 'writer')
local left = redis.call('PTTL', KEYS[1])
if entry[2] then return {{{{entry[1], entry[2], left, entry[4]}}, news_now}} end
if entry[3] and ARGV[2] - left < tonumber(ARGV[3]) then return {{{{entry[3]}}, news_now}} end
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {{{{}}, news_now}}
"""

# {etag, body}: the entry that is there; {token}: of another's lease, to be waited for; {false}: there is none any more;
# {}: it was filled.
# KEYS[1] the key. ARGV: token, etag, body, milliseconds to live.
FILL = """
local entry = redis.call('HMGET', KEYS[1], 'etag', 'body', 'lease')
if entry[2] then return {entry[1], entry[2]} end
if entry[3] and entry[3] ~= ARGV[1] then return {entry[3]} end
if not entry[3] then return {false} end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'etag', ARGV[2], 'body', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {}
"""

LOG_CHANGE = f"""
local function log_change(log, token, names)
  redis.call('XADD', log, 'MAXLEN', {LOG_LENGTH}, '*', 'by', token, 'changing', table.concat(names, '\\n'))
end
"""

# From here on no lasting copies are made. KEYS: the log, and the entries that are about to change. ARGV: the writer's
# token, the lease's milliseconds.
WARN = f"""{LOG_CHANGE}
local names = {{}}
for at = 2, #KEYS do
  redis.call('HSET', KEYS[at], 'writer', ARGV[1])
  if redis.call('PTTL', KEYS[at]) < 0 then redis.call('PEXPIRE', KEYS[at], ARGV[2]) end
  names[at - 1] = KEYS[at]
end
log_change(KEYS[1], ARGV[1], names)
"""

# How many of the entries may have been copied since this writer warned of their change, because the warning was lost.
# KEYS, ARGV: the same.
CLOSE = f"""{LOG_CHANGE}
local names, lost = {{}}, 0
for at = 2, #KEYS do
  if redis.call('HGET', KEYS[at], 'writer') ~= ARGV[1] then lost = lost + 1 end
  redis.call('DEL', KEYS[at])
  redis.call('HSET', KEYS[at], 'lease', ARGV[1])
  redis.call('PEXPIRE', KEYS[at], ARGV[2])
  names[at - 1] = KEYS[at]
end
if lost > 0 then log_change(KEYS[1], ARGV[1], names) end
return lost
"""

# How many of the entries have not been closed by this writer all the time. What another writer has closed meanwhile is
# left to it. KEYS: the log, and the entries that have changed. ARGV: the writer's token.
INVALIDATE = f"""{LOG_CHANGE}
local names, lost = {{}}, 0
for at = 2, #KEYS do
  local lease = redis.call('HGET', KEYS[at], 'lease')
  if lease == ARGV[1] then
    redis.call('DEL', KEYS[at])
  else
    lost = lost + 1
    if not lease or string.sub(lease, 1, 1) ~= 'w' then
      redis.call('DEL', KEYS[at])
      names[#names + 1] = KEYS[at]
    end
  end
end
if #names > 0 then log_change(KEYS[1], ARGV[1], names) end
return lost
"""

# KEYS[1] the key, ARGV[1] the token.
GIVE_UP = """
if redis.call('HGET', KEYS[1], 'lease') == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
