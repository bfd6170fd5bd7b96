/*
 * The registry of TLS contexts: made and released by the primary, used by every engine.
 *
 * A number names one context for good (slot and generation), so a released one is an error for whoever still has it, never
 * another context. Contexts are freed when the last who holds one lets go; connections hold OpenSSL's part themselves.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_openssl.h"

#define SLOT_BITS 16
#define CONTEXTS_MAX ((1u << SLOT_BITS) - 1)
#define GENERATION_MAX 0x7fff

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
  struct tls_context *context;
  uint32_t generation;
} *slots;
static uint32_t slot_count, slot_capacity;

bool tls_problem(char *error, const char *what) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
  snprintf(error, TLS_ERROR_BYTES, reason != NULL ? "%s: %s" : "%s", what, reason);
  ERR_clear_error();
  return false;
}

/* What is the same for all. */
static void set_common(SSL_CTX *ssl) {
  SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_clear_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ssl, 1);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets alone: every worker opens every one */
  SSL_CTX_set_max_early_data(ssl, 0);
  SSL_CTX_set_timeout(ssl, 2 * 3600);
}

struct tls_context *tls_context_new(const SSL_METHOD *method, bool tls13_only, char *error) {
  ERR_clear_error();
  struct tls_context *context = calloc(1, sizeof *context);
  if (context != NULL) context->ssl = SSL_CTX_new(method);
  context = context != NULL && context->ssl == NULL ? (free(context), NULL) : context;
  if (context == NULL) {
    tls_problem(error, "no memory for a TLS context");
    return NULL;
  }
  context->references = 1;
  context->min_version = tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION;
  set_common(context->ssl);
  SSL_CTX_set_min_proto_version(context->ssl, context->min_version);
  return context;
}

void tls_context_drop(struct tls_context *context) {
  if (context == NULL || atomic_fetch_sub(&context->references, 1) > 1) return;
  SSL_CTX_free(context->ssl);
  for (uint32_t i = 0; i < context->name_count; i++) free(context->names[i]);
  free(context->server_name);
  free(context);
}

/* A slot that is free; slot_count when there is none and no room for another. */
static uint32_t free_slot(void) {
  for (uint32_t slot = 0; slot < slot_count; slot++) {
    if (slots[slot].context == NULL && slots[slot].generation < GENERATION_MAX) return slot;
  }
  if (slot_count == slot_capacity && slot_count < CONTEXTS_MAX) {
    uint32_t capacity = slot_capacity > 0 ? slot_capacity * 2 : 64;
    void *more = realloc(slots, capacity * sizeof *slots);
    if (more == NULL) return slot_count;
    slots = more;
    slot_capacity = capacity;
  }
  if (slot_count == slot_capacity || slot_count == CONTEXTS_MAX) return slot_count;
  slots[slot_count].context = NULL;
  slots[slot_count].generation = 0;
  return slot_count++;
}

uint32_t tls_context_register(struct tls_context *context, char *error) {
  uint32_t number = 0;
  pthread_mutex_lock(&lock);
  uint32_t before = slot_count, slot = free_slot();
  if (slot < before || slot_count > before) {
    slots[slot].context = context;
    slots[slot].generation++;
    number = slots[slot].generation << SLOT_BITS | slot;
  }
  pthread_mutex_unlock(&lock);
  if (number != 0) return number;
  snprintf(error, TLS_ERROR_BYTES, "there are too many TLS contexts (%u)", CONTEXTS_MAX);
  tls_context_drop(context);
  return 0;
}

/* Under the lock. */
static struct tls_context **find(uint32_t number) {
  uint32_t slot = number & CONTEXTS_MAX;
  if (slot >= slot_count || slots[slot].generation != number >> SLOT_BITS) return NULL;
  return slots[slot].context != NULL ? &slots[slot].context : NULL;
}

struct tls_context *tls_context_hold(uint32_t number, bool server) {
  pthread_mutex_lock(&lock);
  struct tls_context **place = find(number);
  struct tls_context *context = place != NULL && (*place)->server == server ? *place : NULL;
  if (context != NULL) atomic_fetch_add(&context->references, 1);
  pthread_mutex_unlock(&lock);
  return context;
}

void tls_context_release(uint32_t number) {
  pthread_mutex_lock(&lock);
  struct tls_context **place = find(number), *context = place != NULL ? *place : NULL;
  if (place != NULL) *place = NULL;
  pthread_mutex_unlock(&lock);
  tls_context_drop(context);
}

/* Reading the system's hundred and more authorities takes 10 ms and half a megabyte: once for all contexts. */
X509_STORE *tls_context_store(const uint8_t digest[32]) {
  X509_STORE *store = NULL;
  pthread_mutex_lock(&lock);
  for (uint32_t slot = 0; slot < slot_count && store == NULL; slot++) {
    const struct tls_context *context = slots[slot].context;
    if (context == NULL || context->server || memcmp(context->ca_digest, digest, sizeof context->ca_digest) != 0) continue;
    store = SSL_CTX_get_cert_store(context->ssl);
    X509_STORE_up_ref(store);
  }
  pthread_mutex_unlock(&lock);
  return store;
}
