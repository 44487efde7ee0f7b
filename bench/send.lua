-- Sends the requests of a file in turn and prints a summary as one line of JSON.
-- wrk -s send.lua URL -- FILE [once | round [PAUSE]]
-- FILE is a Lua table of { method, path, headers, body }. `once` says "answered" after as many answers as there are
-- requests and sends no more; wrk itself goes on sleeping until somebody interrupts it. PAUSE is the time in milliseconds
-- that each connection waits after an answer.

local number = 0
local texts, at, answered = {}, 0, 0

function setup(thread)
  thread:set("number", number)
  number = number + 1
end

function init(args)
  for index, made in ipairs(dofile(args[1])) do
    texts[index] = wrk.format(made[1], made[2], made[3], made[4])
  end
  -- Threads begin at different places, so that they do not ask for the same things at the same time.
  at = number * 7919 % #texts
  if args[2] == "once" then
    response = function()
      answered = answered + 1
      if answered == #texts then
        wrk.thread:stop()
        print("answered")
        io.flush()
      end
    end
  end
  local pause = tonumber(args[3])
  if pause then
    delay = function()
      return pause
    end
  end
end

function request()
  at = at % #texts + 1
  return texts[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"bytes":%d,"refused":%d,"broken":%d,"mean":%.1f,"p50":%d,"p90":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
