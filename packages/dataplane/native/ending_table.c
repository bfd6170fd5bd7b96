/*
 * A bounded table of orders by key: chains of places in one array, so that finding, adding and removing cost the same
 * with one order as with all of them, and nothing is allocated after the first.
 */
#include <errno.h>
#include <stdlib.h>

#include "endings.h"

void ending_table_free(struct ending_table *table) {
  free(table->all);
  free(table->chains);
}

static bool allocate(struct ending_table *table) {
  if (table->all != NULL) return true;
  struct ending *all = calloc(ENDINGS_MAX, sizeof *all);
  uint16_t *chains = calloc(ENDING_CHAINS, sizeof *chains);
  if (all == NULL || chains == NULL) {
    free(all);
    free(chains);
    return false;
  }
  for (uint16_t place = 0; place < ENDINGS_MAX - 1; place++) all[place].next = (uint16_t)(place + 2);
  table->all = all;
  table->chains = chains;
  table->unused = 1;
  return true;
}

/* The link that names the key's order, or the end of the chain where it would be. */
static uint16_t *find_link(const struct ending_table *table, uint32_t key) {
  uint16_t *link = &table->chains[key % ENDING_CHAINS];
  while (*link != 0 && table->all[*link - 1].key != key) link = &table->all[*link - 1].next;
  return link;
}

struct ending *ending_table_find(const struct ending_table *table, uint32_t key) {
  if (table->all == NULL) return NULL;
  uint16_t link = *find_link(table, key);
  return link != 0 ? &table->all[link - 1] : NULL;
}

struct ending *ending_table_take(struct ending_table *table, uint32_t key, bool *added) {
  *added = false;
  errno = ENOMEM;
  if (!allocate(table)) return NULL;
  uint16_t *link = find_link(table, key);
  if (*link != 0) return &table->all[*link - 1];
  errno = ENOSPC;
  if (table->unused == 0) return NULL;
  *link = table->unused;
  struct ending *ending = &table->all[*link - 1];
  table->unused = ending->next;
  ending->next = 0;
  ending->key = key;
  *added = true;
  return ending;
}

bool ending_table_remove(struct ending_table *table, uint32_t key) {
  uint16_t *link = table->all != NULL ? find_link(table, key) : NULL;
  if (link == NULL || *link == 0) return false;
  uint16_t place = *link;
  struct ending *ending = &table->all[place - 1];
  *link = ending->next;
  ending->next = table->unused;
  table->unused = place;
  return true;
}
