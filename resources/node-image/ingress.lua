-- Which pod answers a request that nginx was asked. Pods come and go without nginx being loaded anew, which costs
-- connections that are kept open between requests. The configuration is written by src/main/cluster/proxy/ingress.
local balancer = require 'ngx.balancer'

-- A line for each upstream: NAME ADDRESS:PORT…
local file = '/run/ingress/endpoints'
-- Of all processes of nginx, those that are ending too.
local shared = ngx.shared.gantry
local upstreams = {}
local turns = {}
-- What was read last; the shared one is newer when something is to be read.
local version

local M = {}

-- Counts how often nginx was loaded: this is of its main process, of which those that answer requests are copies.
local generation = shared:incr('generation', 1, 0)

local function read()
    local wanted = shared:get('version') or 0
    if version == wanted then return end
    local handle = io.open(file)
    if not handle then return end
    -- Upstreams that are no longer named stay, for those who are still served by what was loaded before.
    for line in handle:lines() do
        local name, rest = line:match('^(%S+) ?(.*)$')
        local peers = {}
        for host, port in rest:gmatch('(%S+):(%d+)') do peers[#peers + 1] = { host, tonumber(port) } end
        if name then upstreams[name] = peers end
    end
    handle:close()
    version = wanted
end

-- One after the other, from anywhere.
local function next_peer(name, count)
    local turn = (turns[name] or math.random(count)) % count + 1
    turns[name] = turn
    return turn
end

-- The same value finds the same pod as long as that is there.
local function peer_of(value, peers)
    local best, most = 1, -1
    for index, peer in ipairs(peers) do
        local weight = ngx.crc32_long(value .. peer[1] .. ':' .. peer[2])
        if weight > most then best, most = index, weight end
    end
    return best
end

-- For `balancer_by_lua`: names the pod for a request; `sticky` is a value that stays with one.
function M.choose(name, sticky)
    read()
    local peers = upstreams[name]
    if not peers or #peers == 0 then return ngx.exit(ngx.ERROR) end
    local context = ngx.ctx
    local chosen
    if context.tried == nil then
        chosen = sticky and sticky ~= '' and peer_of(sticky, peers) or next_peer(name, #peers)
        -- Each may be tried once.
        if #peers > 1 then balancer.set_more_tries(#peers - 1) end
    else
        chosen = context.tried % #peers + 1
    end
    context.tried = chosen
    local ok, fault = balancer.set_current_peer(peers[chosen][1], peers[chosen][2])
    if not ok then ngx.log(ngx.ERR, 'no way to a pod of ', name, ': ', fault) end
end

-- For ingress-load: `/read` has all processes read what changed; `/end` has those of this generation end connections
-- with their next answer, so that few are kept open when nginx is loaded anew.
function M.command(path)
    if path == '/read' then shared:incr('version', 1, 0)
    elseif path == '/end' then shared:set('ending', generation, 60)
    else return ngx.exit(404) end
    ngx.say('done')
end

-- For `header_filter_by_lua`.
function M.headers()
    if generation <= (shared:get('ending') or 0) then ngx.header['Connection'] = 'close' end
end

return M
