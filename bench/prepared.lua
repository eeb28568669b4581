-- Sends requests that were made beforehand, in turn, so that the client has next to nothing to do for each of them.
-- The result is one line of JSON.
-- Environment: REQUESTS, a file of them: for each the number of its bytes, a line's end, and the bytes.

local next_thread = 1
function setup(thread)
  thread:set("seed", next_thread)
  next_thread = next_thread + 1
end

local requests, turn = {}, 0
function init(args)
  local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
  local length = file:read("*n")
  while length do
    file:read(1)
    requests[#requests + 1] = file:read(length)
    length = file:read("*n")
  end
  file:close()
  math.randomseed(seed)
  turn = math.random(#requests)
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000
  ))
end
