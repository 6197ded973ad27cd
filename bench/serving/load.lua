-- Sends one body over and over; prints what was measured as one line of JSON. BODY: file, TYPE: its content type,
-- HEADS: new for a head that differs each time, or equal.
local file = io.open(os.getenv("BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = os.getenv("TYPE")
file:close()

if os.getenv("HEADS") == "new" then  -- as behind a proxy that traces: each request has a trace of its own
  local count = 0
  function request()
    count = count + 1
    wrk.headers["traceparent"] = string.format("00-4bf92f3577b34da6%016x-00f067aa0ba902b7-00", count)
    return wrk.format()
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
