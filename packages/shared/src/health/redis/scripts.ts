/**
 * The scripts that change anything in Redis. Each checks in the same step that its caller still leads: by the token in
 * the lease and by the epoch, which no other reign shares. So a leader that was stopped and wakes up changes nothing.
 *
 * KEYS: lease, epoch, table. Sent as text each time: a few requests a second, and no script to lose with a restart.
 */

/**
 * Takes the lease when it is free, and gives the reign its epoch. A number that JavaScript could not hold is not one, a
 * key of another type is deleted, and a lease that lasts longer than any (Redis's clock was set back) is cut short.
 * ARGV: token, lease ms, lowest epoch to exceed. Reply: {0, ms until it is worth trying again} | {1, epoch, table as HGETALL}.
 */
export const ELECT = `
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local left = redis.call('PTTL', KEYS[1])
  if left == -1 or left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return {0, math.min(left, tonumber(ARGV[2]))}
end
local function read(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  return redis.call(command, key, ...)
end
local function number(text)
  local value = tonumber(text or '0') or 0
  return value < 9e15 and value or 0
end
local given = number(read('GET', KEYS[2]))
local stored = number(read('HGET', KEYS[3], 'epoch'))
local epoch = string.format('%.0f', math.max(tonumber(ARGV[3]), given, stored) + 1)
redis.call('SET', KEYS[2], epoch)
return {1, epoch, redis.call('HGETALL', KEYS[3])}`;

/**
 * Renews the lease, also one that is gone as long as nobody else has reigned since, and sends the heartbeat if Redis
 * holds the version that it names. ARGV: token, epoch, lease ms, version, channel, heartbeat ('': only renew).
 * Reply: 'ok' | 'behind' (the stored table is another) | 'lost' (the lease is another's).
 */
export const BEAT = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 'lost' end
local given = tonumber(redis.call('GET', KEYS[2]) or '0') or 0
if given > tonumber(ARGV[2]) then
  if holder then redis.call('DEL', KEYS[1]) end
  return 'lost'
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
if given < tonumber(ARGV[2]) then redis.call('SET', KEYS[2], ARGV[2]) end
local stored = redis.call('HMGET', KEYS[3], 'epoch', 'version')
if stored[1] ~= ARGV[2] or stored[2] ~= ARGV[4] then return 'behind' end
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
return 'ok'`;

/**
 * Writes a version of the table and announces it.
 * ARGV: token, epoch, version that it follows ('': it is the whole table), version, time, publisher, channel, message,
 * number of fields and values to set, those, fields to remove.
 * Reply: 'ok' | 'behind' (it does not follow from what is stored) | 'lost'.
 */
export const WRITE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[2] then return 'lost' end
local stored = redis.call('HMGET', KEYS[3], 'epoch', 'version')
if ARGV[3] == '' then
  local version = tonumber(stored[2] or '') or -1
  if stored[1] == ARGV[2] and version >= tonumber(ARGV[4]) and version < 9e15 then return 'behind' end
  redis.call('DEL', KEYS[3])
elseif stored[1] ~= ARGV[2] or stored[2] ~= ARGV[3] then
  return 'behind'
end
local function chunks(command, first, last)
  for i = first, last, 1000 do
    redis.call(command, KEYS[3], unpack(ARGV, i, math.min(i + 999, last)))
  end
end
local set = tonumber(ARGV[9])
chunks('HSET', 10, 9 + set)
chunks('HDEL', 10 + set, #ARGV)
redis.call('HSET', KEYS[3], 'epoch', ARGV[2], 'version', ARGV[4], 'timestampMs', ARGV[5], 'publisher', ARGV[6])
redis.call('PUBLISH', ARGV[7], ARGV[8])
return 'ok'`;

/** Gives the lease back. ARGV: token. Reply: 1 when it was the caller's. */
export const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;
