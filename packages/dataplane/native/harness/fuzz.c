/*
 * A mutation fuzzer over a live engine: clients and backends that say valid things, mutated things and nonsense, in
 * random pieces, with random ends and orders. What must hold: no sanitizer report, every connection ends, descriptors
 * come back, one log record a connection, meters that agree with it. FUZZ_SECONDS bounds it; SEED repeats a run (each
 * round prints its own on failure).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define PEERS 24
#define SCRIPT_BYTES 20000

#define GROUPS 4
#define PROXY_ROUNDS 50000

static struct rig rig;
static uint64_t cells[GROUPS][METER_CELLS];

static const char *const client_words[] = {
    REQUEST_HEAD, REQUEST_HEAD "early bytes", "GET / HTTP/1.1\n\n", "\r\n\r\n", "\n\n", "GET ", "x", "\r", "\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n" REQUEST_HEAD};

static const char *const backend_words[] = {
    SWITCH_HEAD, SWITCH_HEAD "behind", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n" SWITCH_HEAD,
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 401 Unauthorized\r\n\r\nbody", "\n\n", "\r\n\r\n"};

struct peer {
  int fd;
  char *script;
  size_t length, at;
};

static size_t mutate(struct prng *prng, char *bytes, size_t length) {
  for (uint32_t changes = prng_range(prng, 0, 3); changes > 0 && length > 0; changes--) {
    size_t at = prng_next(prng) % length;
    switch (prng_range(prng, 0, 3)) {
      case 0: bytes[at] = (char)prng_next(prng); break;
      case 1: bytes[at] = "\r\n :;0f"[prng_next(prng) % 7]; break;
      case 2: memmove(bytes + at, bytes + at + 1, length - at - 1), length--; break;
      default: length = at; break;
    }
  }
  return length;
}

/* A PROXY header of either version: its length. */
static size_t write_header(struct prng *prng, char *out) {
  static const char v1[] = "PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", unknown[] = "PROXY UNKNOWN a b\r\n";
  static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x0a\x01\x02\x03\x0a\x01\x02\x04\xdc\x04\x01\xbb";
  uint32_t kind = prng_range(prng, 0, 5);
  const char *header = kind < 2 ? v1 : kind == 2 ? unknown : v2;
  size_t length = kind < 2 ? sizeof v1 - 1 : kind == 2 ? sizeof unknown - 1 : sizeof v2 - 1;
  memcpy(out, header, length);
  if (header != v2) return length;
  if (kind == 4) out[12] = 0x20;
  size_t more = kind == 5 ? prng_range(prng, 0, 300) : 0;
  memset(out + length, 'T', more);
  out[14] = (char)((12 + more) >> 8);
  out[15] = (char)(12 + more);
  return length + more;
}

/* What a peer is going to say. */
static void write_script(struct prng *prng, struct peer *peer, const char *const *words, uint32_t count) {
  peer->script = malloc(SCRIPT_BYTES);
  CHECK(peer->script != NULL);
  bool proxied = words == client_words && rig.listener.proxy_count > 0 && prng_range(prng, 0, 9) > 0;
  if (proxied) peer->length = write_header(prng, peer->script);
  for (uint32_t parts = prng_range(prng, 0, 4); parts > 0; parts--) {
    const char *word = words[prng_range(prng, 0, 3) ? prng_next(prng) % count : 0];
    size_t length = strlen(word);
    if (peer->length + length > SCRIPT_BYTES) break;
    memcpy(peer->script + peer->length, word, length);
    peer->length += length;
  }
  if (prng_range(prng, 0, 9) == 0) { /* long: over limits and budgets */
    memset(peer->script + peer->length, 'a' + (int)prng_range(prng, 0, 25), SCRIPT_BYTES - peer->length);
    peer->length = SCRIPT_BYTES;
  }
  if (prng_range(prng, 0, 1)) peer->length = mutate(prng, peer->script, peer->length);
}

static void end(struct peer *peer, bool reset) {
  if (reset) {
    socket_reset(peer->fd);
  } else {
    close(peer->fd);
  }
  free(peer->script);
  *peer = (struct peer){.fd = -1};
}

/* One thing that a peer does. */
static void act(struct prng *prng, struct peer *peer) {
  static char sink[65536];
  switch (prng_range(prng, 0, 9)) {
    case 0:
      if (prng_range(prng, 0, 3) == 0) end(peer, prng_range(prng, 0, 1));
      break;
    case 1:
      if (prng_range(prng, 0, 3) == 0) shutdown(peer->fd, SHUT_WR);
      break;
    case 2:
    case 3:
    case 4: {
      ssize_t count = recv(peer->fd, sink, prng_range(prng, 1, sizeof sink), 0);
      if (count == 0 && prng_range(prng, 0, 1)) end(peer, false);
      break;
    }
    default: {
      size_t piece = prng_range(prng, 1, prng_range(prng, 0, 1) ? 20 : SCRIPT_BYTES);
      if (piece > peer->length - peer->at) piece = peer->length - peer->at;
      ssize_t count = piece > 0 ? send(peer->fd, peer->script + peer->at, piece, MSG_NOSIGNAL) : 0;
      if (count > 0) peer->at += (size_t)count;
      break;
    }
  }
}

static void take_backend(struct prng *prng, struct peer *peers) {
  for (int i = 0; i < PEERS; i++) {
    if (peers[i].fd >= 0) continue;
    int fd = accept4(rig.backend, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    peers[i] = (struct peer){.fd = fd};
    write_script(prng, &peers[i], backend_words, sizeof backend_words / sizeof *backend_words);
  }
}

/* Now and then the worker dies, and its engine is adopted or succeeded. */
static void disturb(struct prng *prng) {
  if (prng_range(prng, 0, 300) == 0) {
    embedder_step(&rig.embedder, 0);
    engine_detach(rig.engine);
    if (prng_range(prng, 0, 1)) {
      CHECK(engine_attach(rig.engine, false));
      rig.embedder.deciding = false;
      for (int i = 0; i < 3; i++) embedder_step(&rig.embedder, 0);
      engine_detach(rig.engine);
    }
    CHECK(engine_attach(rig.engine, true));
    rig.embedder.deciding = true;
    engine_ready(rig.engine);
  }
  if (prng_range(prng, 0, 400) == 0) engine_close_all(rig.engine, REASON_DRAIN_TIMEOUT);
  if (prng_range(prng, 0, 20) == 0) {
    uint32_t slot = prng_range(prng, 0, 4), after_ms = prng_range(prng, 0, 60), window_ms = prng_range(prng, 0, 60);
    CHECK(engine_end_endpoint(rig.engine, slot, REASON_ENDPOINT_DRAINING, after_ms, window_ms));
  }
  if (prng_range(prng, 0, 30) == 0) engine_keep_endpoint(rig.engine, prng_range(prng, 0, 4));
  if (prng_range(prng, 0, 20) == 0) {
    uint32_t owner = prng_range(prng, 1, 4), after_ms = prng_range(prng, 0, 60), window_ms = prng_range(prng, 0, 60);
    CHECK(engine_end_owner(rig.engine, owner, REASON_ROUTE_REMOVED, after_ms, window_ms));
  }
  if (prng_range(prng, 0, 30) == 0) engine_keep_owner(rig.engine, prng_range(prng, 1, 4));
  rig.embedder.owner = prng_range(prng, 0, 5); /* one is none, one no order's */
  rig.embedder.slot = prng_range(prng, 0, 5); /* one is beyond the board's column, one the order's */
  rig.embedder.group = prng_range(prng, 0, GROUPS);
  rig.embedder.answer_group = prng_range(prng, 0, GROUPS);
}

/* With everything ended, each connection was opened in one group and closed in it. */
static void check_meters(void) {
  for (uint32_t group = 0; group < GROUPS; group++) {
    uint64_t closed = 0;
    for (uint32_t i = 0; i < REASON_COUNT; i++) closed += cells[group][METER_CLOSED + i];
    CHECK_EQ(cells[group][METER_ACTIVE], 0);
    CHECK_EQ(cells[group][METER_OPENED], closed);
  }
  CHECK_EQ(meters_sum(rig.engine, METER_OPENED), rig_stats(&rig).opened);
}

static void round_of(uint64_t seed) {
  struct prng prng = prng_new(seed);
  struct engine_options options = embedder_options();
  struct peer clients[PEERS], backends[PEERS];
  options.head_bytes_max = prng_range(&prng, 0, 1) ? 16384 : prng_range(&prng, 64, 400);
  options.pending_bytes_max = prng_range(&prng, 0, 1) ? 16u << 20 : prng_range(&prng, 0, 200000);
  options.half_close_timeout_ms = prng_range(&prng, 1, 200);
  options.linger_timeout_ms = prng_range(&prng, 1, 50);
  options.request_head_timeout_ms = prng_range(&prng, 1, 200);
  options.queue_max = prng_range(&prng, 1, 8);
  rig_open(&rig, &options, prng_range(&prng, 0, 1) ? 4096 : 0);
  engine_detach(rig.engine);
  memset(cells, 0, sizeof cells);
  CHECK(engine_set_meters(rig.engine, &cells[0][0], GROUPS) && engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  rig.listener.group = prng_range(&prng, 0, GROUPS);
  static struct proxy_source everybody = {.address.s6_addr = {[10] = 0xff, [11] = 0xff}, .prefix = 96};
  rig.listener.proxy_sources = &everybody;
  rig.listener.proxy_count = prng_range(&prng, 0, 2) == 0;
  rig.embedder.answer_timeout_ms = prng_range(&prng, 1, 200);
  rig.embedder.idle_timeout_ms = prng_range(&prng, 1, 300);
  rig.embedder.log_ended = prng_range(&prng, 0, 1);
  rig.embedder.rounds_max = (int)prng_range(&prng, 1, 4);
  for (int i = 0; i < PEERS; i++) clients[i] = backends[i] = (struct peer){.fd = -1};
  for (int action = 0; action < 2500; action++) {
    struct peer *client = &clients[prng_range(&prng, 0, PEERS - 1)];
    struct peer *backend = &backends[prng_range(&prng, 0, PEERS - 1)];
    if (client->fd < 0 && prng_range(&prng, 0, 3) == 0) {
      *client = (struct peer){.fd = rig_client(&rig)};
      write_script(&prng, client, client_words, sizeof client_words / sizeof *client_words);
    }
    if (client->fd >= 0) act(&prng, client);
    if (backend->fd >= 0) act(&prng, backend);
    if (prng_range(&prng, 0, 2) == 0) embedder_step(&rig.embedder, 0);
    take_backend(&prng, backends);
    disturb(&prng);
    rig_log_lines(&rig);
    rig.log_length = 0;
  }
  for (int i = 0; i < PEERS; i++) {
    if (clients[i].fd >= 0) end(&clients[i], i % 2);
    if (backends[i].fd >= 0) end(&backends[i], i % 3);
  }
  int left;
  EVENTUALLY(((left = accept4(rig.backend, NULL, NULL, SOCK_CLOEXEC)) >= 0 && close(left) != 0) ||
             rig_stats(&rig).active + rig_stats(&rig).queued == 0);
  while ((left = accept4(rig.backend, NULL, NULL, SOCK_CLOEXEC)) >= 0) close(left);
  rig_close(&rig);
  check_meters();
}

/* The verdict about a whole or malformed header stands whatever follows it; memory of exactly the bytes, for the sanitizer. */
TEST(fuzz_proxy_header) {
  struct prng prng = prng_new(harness_seed(1));
  for (int round = 0; round < PROXY_ROUNDS; round++) {
    char bytes[600];
    struct proxy_header header, before = {0};
    enum proxy_status verdict = PROXY_MORE;
    size_t length = mutate(&prng, bytes, write_header(&prng, bytes));
    for (size_t cut = 0; cut <= length; cut += prng_range(&prng, 1, 40)) {
      uint8_t *own = malloc(cut > 0 ? cut : 1);
      CHECK(own != NULL);
      memcpy(own, bytes, cut);
      enum proxy_status status = proxy_parse(own, cut, &header);
      free(own);
      CHECK(verdict == PROXY_MORE || (status == verdict && header.length == before.length && header.port == before.port));
      CHECK(status != PROXY_DONE || header.length <= cut);
      verdict = status;
      before = header;
    }
  }
}

TEST(fuzz_live_engine) {
  const char *seconds = getenv("FUZZ_SECONDS"), *seed = getenv("SEED");
  uint64_t end_ms = harness_now_ms() + 1000 * strtoull(seconds != NULL ? seconds : "20", NULL, 10);
  uint64_t next = seed != NULL ? strtoull(seed, NULL, 10) : 1;
  while (harness_now_ms() < end_ms && engine_count() < ENGINES_MAX) {
    round_of(harness_seed_set(next));
    if (seed != NULL) break;
    next++;
  }
}
