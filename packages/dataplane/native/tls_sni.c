/*
 * Which context a client gets: the exact name first, then wildcards by length, then the one for everybody.
 *
 * A table is immutable. A listener's is exchanged at once for clients that connect from then on; a handshake that is under
 * way holds the one that it began with.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_openssl.h"

struct named {
  char *pattern;
  struct tls_context *context;
};

struct sni_table {
  _Atomic uint32_t references;
  uint32_t count;
  struct named entries[]; /* by pattern */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void sni_drop(struct sni_table *table) {
  if (table == NULL || atomic_fetch_sub(&table->references, 1) > 1) return;
  for (uint32_t i = 0; i < table->count; i++) {
    free(table->entries[i].pattern);
    tls_context_drop(table->entries[i].context);
  }
  free(table);
}

struct sni_table *sni_hold(const struct listener *listener) {
  pthread_mutex_lock(&lock);
  struct sni_table *table = listener->tls;
  if (table != NULL) atomic_fetch_add(&table->references, 1);
  pthread_mutex_unlock(&lock);
  return table;
}

bool listener_has_tls(const struct listener *listener) {
  return __atomic_load_n(&listener->tls, __ATOMIC_ACQUIRE) != NULL;
}

static int compare(const void *a, const void *b) {
  return strcmp(((const struct named *)a)->pattern, ((const struct named *)b)->pattern);
}

static bool add(struct sni_table *table, const struct sni_entry *entry, char *error) {
  struct named *named = &table->entries[table->count];
  *named = (struct named){.pattern = strdup(entry->pattern), .context = tls_context_hold(entry->context, true)};
  if (named->pattern != NULL && named->context != NULL) {
    table->count++;
    return true;
  }
  snprintf(error, TLS_ERROR_BYTES, "there is no TLS context %u for clients", entry->context);
  free(named->pattern);
  tls_context_drop(named->context);
  return false;
}

static struct sni_table *build(const struct sni_entry *entries, uint32_t count, char *error) {
  struct sni_table *table = calloc(1, sizeof *table + count * sizeof *table->entries);
  snprintf(error, TLS_ERROR_BYTES, "no memory for %u server names", count);
  if (table == NULL) return NULL;
  table->references = 1;
  bool good = true;
  for (uint32_t i = 0; good && i < count; i++) good = add(table, &entries[i], error);
  if (good) qsort(table->entries, table->count, sizeof *table->entries, compare);
  for (uint32_t i = 1; good && i < table->count; i++) {
    good = compare(&table->entries[i - 1], &table->entries[i]) != 0;
    if (!good) snprintf(error, TLS_ERROR_BYTES, "two entries for the server name '%.255s'", table->entries[i].pattern);
  }
  if (good) return table;
  sni_drop(table);
  return NULL;
}

bool listener_tls(struct listener *listener, const struct sni_entry *entries, uint32_t count, bool secure, char *error) {
  struct sni_table *table = secure ? build(entries, count, error) : NULL;
  if (secure && table == NULL) return false;
  pthread_mutex_lock(&lock);
  struct sni_table *before = listener->tls;
  __atomic_store_n(&listener->tls, table, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&lock);
  sni_drop(before);
  return true;
}

static struct tls_context *look_up(const struct sni_table *table, char *pattern) {
  struct named wanted = {.pattern = pattern};
  const struct named *found = bsearch(&wanted, table->entries, table->count, sizeof wanted, compare);
  return found != NULL ? found->context : NULL;
}

struct tls_context *sni_find(const struct sni_table *table, const char *name) {
  char pattern[SERVER_NAME_MAX + 2];
  snprintf(pattern, sizeof pattern, "%s", name);
  struct tls_context *context = name[0] != 0 ? look_up(table, pattern) : NULL;
  for (const char *dot = strchr(name, '.'); context == NULL && dot != NULL; dot = strchr(dot + 1, '.')) {
    snprintf(pattern, sizeof pattern, "*%s", dot);
    context = look_up(table, pattern);
  }
  pattern[0] = 0;
  return context != NULL ? context : look_up(table, pattern);
}
