/*
 * The access-log record: the embedder's fields between what only the engine knows, one JSON line in pino's format.
 *
 * Written when the connection ends, by the thread that drives the engine, straight into the ring: so records of spliced
 * connections need no JavaScript, and survive a worker's death.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

void connection_keep_log(struct connection *connection, const char *log, size_t length) {
  free(connection->log);
  connection->log = NULL;
  connection->log_length = 0;
  if (length == 0) return;
  connection->log = malloc(length);
  if (connection->log == NULL) return; /* the listener's fields stand in */
  memcpy(connection->log, log, length);
  connection->log_length = (uint32_t)length;
}

void connection_keep_why(struct connection *connection, const char *name, const char *why) {
  const struct listener *listener = connection->listener;
  size_t size = listener->log_length + strlen(name) + strlen(why) + 8;
  char *log = malloc(size);
  if (log == NULL) return;
  const char *comma = listener->log_length > 0 ? "," : "";
  int length = snprintf(log, size, "%s%s\"%s\":\"%s\"", listener->log_fields, comma, name, why);
  connection_keep_log(connection, log, (size_t)length);
  free(log);
}

bool engine_client_address(struct engine *engine, connection_id id, const char *address, uint16_t port) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING) return false;
  struct in6_addr client = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
  bool read = inet_pton(AF_INET, address, client.s6_addr + 12) == 1 || inet_pton(AF_INET6, address, &client) == 1;
  if (!read) return false;
  connection->address = client;
  connection->port = port;
  return true;
}

static size_t print_head(const struct connection *connection, char *out, size_t size) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  char port[8] = "";
  if (connection->port != 0) snprintf(port, sizeof port, ":%u", connection->port);
  char address[INET6_ADDRSTRLEN + 2];
  const uint8_t *bytes = connection->address.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&connection->address)) {
    snprintf(address, sizeof address, "%u.%u.%u.%u", bytes[12], bytes[13], bytes[14], bytes[15]);
  } else {
    address[0] = '[';
    inet_ntop(AF_INET6, bytes, address + 1, INET6_ADDRSTRLEN);
    strcat(address, "]");
  }
  return (size_t)snprintf(out, size, "{\"level\":30,\"time\":%lld,\"clientIp\":\"%s%s\",",
                          (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, address, port);
}

static size_t print_ms(char *out, size_t size, const char *name, uint64_t us) {
  return (size_t)snprintf(out, size, ",\"%s\":%llu.%03llu", name, (unsigned long long)(us / 1000),
                          (unsigned long long)(us % 1000));
}

/* For a limit that ended the connection: which side had been silent for how long. */
static size_t print_silence(const struct engine *engine, const struct connection *connection, char *out, size_t size) {
  if (connection->reason != REASON_IDLE_TIMEOUT && connection->reason != REASON_HALF_CLOSE_TIMEOUT) return 0;
  return (size_t)snprintf(out, size, ",\"clientSilentMs\":%llu,\"backendSilentMs\":%llu",
                          (unsigned long long)(engine->now_ms - connection->client_active_ms),
                          (unsigned long long)(engine->now_ms - connection->backend_active_ms));
}

static size_t print_tail(const struct engine *engine, const struct connection *connection, char *out, size_t size) {
  uint64_t now_us = engine->now_us;
  uint64_t backend_end_us = connection->backend_closed_us != 0 ? connection->backend_closed_us : now_us;
  size_t length = (size_t)snprintf(out, size, ",\"requestBodyBytes\":%llu,\"responseBodyBytes\":%llu",
                                   (unsigned long long)connection->bytes_up,
                                   (unsigned long long)connection->bytes_down);
  if (connection->connect_us != 0) {
    length += print_ms(out + length, size - length, "backendTimeTaken", backend_end_us - connection->connect_us);
  } else {
    length += (size_t)snprintf(out + length, size - length, ",\"backendTimeTaken\":\"-\"");
  }
  length += print_ms(out + length, size - length, "timeTaken", now_us - connection->opened_us);
  length += print_silence(engine, connection, out + length, size - length);
  length += (size_t)snprintf(out + length, size - length, ",\"closeReason\":\"%s\"}\n",
                             reason_text((enum reason)connection->reason));
  return length;
}

void connection_log(struct engine *engine, struct connection *connection, const char *log, size_t length) {
  connection->logged = true;
  if (engine->log.bytes == NULL) return;
  engine_clock(engine);
  char head[160], tail[400];
  struct log_part parts[] = {{head, print_head(connection, head, sizeof head)},
                             {log, length},
                             {tail, print_tail(engine, connection, tail, sizeof tail)}};
  log_ring_append(&engine->log, parts, 3);
}

bool engine_log_ended(struct engine *engine, connection_id id, const char *log, size_t length) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_ENDED || connection->logged) return false;
  connection_log(engine, connection, log, length);
  return true;
}
