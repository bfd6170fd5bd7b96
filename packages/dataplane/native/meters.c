/*
 * Meters: what the embedder counts connections and bytes by, in memory that it has given and reads at any time.
 *
 * One writer, the thread that drives the engine: a successor or a keeper goes on in the same cells. A connection is in
 * its listener's group, uncounted, until its request has been decided about; every one is counted as opened and as
 * closed exactly once. The engine's own totals of bytes are the sum of the groups, so a message is counted once.
 */
#include <errno.h>

#include "internal.h"

_Static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t), "a cell is what a BigUint64Array holds");

void meters_init(struct engine *engine) {
  engine->meters = engine->own_meter;
  engine->meter_groups = 1;
}

bool engine_set_meters(struct engine *engine, uint64_t *cells, uint32_t groups) {
  errno = groups == 0 ? EINVAL : EBUSY;
  if (groups == 0 || atomic_load(&engine->attached) || atomic_load(&engine->opened) > 0) return false;
  engine->meters = (_Atomic uint64_t *)cells;
  engine->meter_groups = groups;
  return true;
}

uint32_t meters_group(const struct engine *engine, uint32_t group) {
  return group < engine->meter_groups ? group : 0;
}

_Atomic uint64_t *meters_cell(const struct engine *engine, const struct connection *connection, uint32_t meter) {
  return engine->meters + (size_t)connection->group * METER_CELLS + meter;
}

void meters_open(struct engine *engine, struct connection *connection, uint32_t group) {
  if (connection->metered) return;
  connection->metered = true;
  connection->group = meters_group(engine, group);
  counter_add(meters_cell(engine, connection, METER_OPENED), 1);
  counter_add(meters_cell(engine, connection, METER_ACTIVE), 1);
}

void meters_close(struct engine *engine, struct connection *connection) {
  bool was_active = connection->metered;
  connection->metered = true;
  counter_add(meters_cell(engine, connection, was_active ? METER_ACTIVE : METER_OPENED), was_active ? (uint64_t)-1 : 1);
  counter_add(meters_cell(engine, connection, METER_CLOSED + connection->reason), 1);
}

uint64_t meters_sum(const struct engine *engine, enum meter meter) {
  uint64_t sum = 0;
  for (uint32_t group = 0; group < engine->meter_groups; group++) {
    sum += atomic_load_explicit(&engine->meters[(size_t)group * METER_CELLS + meter], memory_order_relaxed);
  }
  return sum;
}
