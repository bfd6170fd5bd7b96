/*
 * Requests that the embedder has under way on endpoints: counted in the engine's column of the status board beside its
 * connections, as many at once on one client's connection as there are (HTTP/2).
 *
 * They end with the thread that drives the engine, so what it has not taken back is taken back when it lets go.
 */
#include <stdlib.h>

#include "internal.h"

static void add(struct engine *engine, uint32_t slot, int32_t change) {
  int32_t *cell = &engine->active_column[slot];
  __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + change, __ATOMIC_RELAXED);
  engine->requests[slot] += change;
}

bool engine_count_request(struct engine *engine, uint32_t slot, bool begins) {
  if (engine->active_column == NULL || slot >= engine->active_slots) return false;
  if (engine->requests == NULL) engine->requests = calloc(engine->active_slots, sizeof *engine->requests);
  if (engine->requests == NULL || (!begins && engine->requests[slot] == 0)) return false;
  add(engine, slot, begins ? 1 : -1);
  return true;
}

void requests_drop(struct engine *engine) {
  for (uint32_t slot = 0; engine->requests != NULL && slot < engine->active_slots; slot++) {
    if (engine->requests[slot] > 0) add(engine, slot, -engine->requests[slot]);
  }
  free(engine->requests);
  engine->requests = NULL;
}
