-- Places orders with wrk: each for one unit of one of the SKUs, in turn. The result is one line of JSON.
-- Environment: ORDER_HEADERS (name: value, a line each), SKUS (how many).

local skus = tonumber(os.getenv("SKUS"))
local headers = { ["Content-Type"] = "application/json" }
for name, value in string.gmatch(os.getenv("ORDER_HEADERS") or "", "([^:\n]+): ([^\n]+)") do
  headers[name] = value
end

local next_thread = 1
function setup(thread)
  thread:set("seed", next_thread)
  next_thread = next_thread + 1
end

local requests, turn = {}, 0
function init(args)
  math.randomseed(seed)
  turn = math.random(skus)
  for number = 1, skus do
    local body = string.format('{"items": [{"sku": "SKU-%d", "quantity": 1}]}', number - 1)
    requests[number] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  turn = turn % skus + 1
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
