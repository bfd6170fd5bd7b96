/*
 * Churn on the stream path over TLS: bridged clients, upgrades that go back, inner clients, ends of every kind in every
 * order, by a seed. What must hold: everything ends, nothing is left, each connection has one record and is counted once,
 * and no end is told of twice or, of an inner client, not at all.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_peer.h"

#define SLOTS 12
#define BACKENDS 16
#define ROUNDS 6
#define ACTIONS 1500

enum stage { STAGE_ASKED, STAGE_TAKEN, STAGE_GIVEN_BACK };

struct slot {
  SSL *client;
  connection_id id;
  enum stage stage;
  int fd; /* the embedder's end; -1: none */
  bool told;
  struct opened inner; /* fd -1: none */
};

static struct rig rig;
static struct prng prng;
static struct slot slots[SLOTS];
static int backends[BACKENDS];
static uint32_t owed; /* records that are the embedder's */
static connection_id inners[ACTIONS]; /* of this worker */
static size_t inner_count;
static char data[65536];

static bool chance(uint32_t of) { return prng_range(&prng, 1, of) == 1; }

static void tell(struct slot *slot) {
  if (slot->told) return;
  slot->told = true;
  engine_client_closed(rig.engine, slot->id, REASON_CLIENT_CLOSED, 1, 1);
}

static void take(struct slot *slot) {
  struct detached detached;
  if (!engine_detach_client(rig.engine, slot->id, 0, &detached)) return;
  free(detached.early);
  slot->fd = detached.fd;
  slot->stage = STAGE_TAKEN;
  slot->told = false;
  owed++;
}

static void decide(struct embedder *embedder, const struct event *event) {
  for (int i = 0; i < SLOTS; i++) {
    struct slot *slot = &slots[i];
    bool own = slot->client != NULL && slot->id == event->id;
    if (own && event->kind == EVENT_REQUEST && slot->stage != STAGE_GIVEN_BACK) {
      take(slot);
      return;
    }
    if (own && event->kind == EVENT_ENDED && slot->stage == STAGE_TAKEN) {
      if (chance(2)) tell(slot);
      return;
    }
  }
  if (event->kind == EVENT_REQUEST && strncmp(event->head, PLAIN_HEAD, event->head_length) == 0) {
    for (int i = 0; i < SLOTS; i++) { /* a new client's: its id is not known yet */
      if (slots[i].client == NULL || slots[i].id != 0) continue;
      slots[i].id = event->id;
      take(&slots[i]);
      return;
    }
  }
  if (event->kind == EVENT_ENDED) return;
  if (event->kind == EVENT_REQUEST && chance(4)) {
    engine_respond(embedder->engine, event->id, BAD_GATEWAY, strlen(BAD_GATEWAY), "", 0, 0);
  } else {
    embedder_proxy(embedder, event);
  }
}

static void open_slot(struct slot *slot) {
  for (int i = 0; i < SLOTS; i++) CHECK(slots[i].client == NULL || slots[i].id != 0);
  EVENTUALLY(!rig.engine->closing && atomic_load(&rig.engine->close_all) == 0); /* it would not come to its request */
  *slot = (struct slot){.fd = -1, .inner = {.fd = -1}};
  SSL *client = tls_peer_client(&rig);
  slot->client = client;
  size_t written = 0;
  SSL_write_ex(slot->client, PLAIN_HEAD, strlen(PLAIN_HEAD), &written);
  EVENTUALLY(slot->id != 0);
}

static void close_client(struct slot *slot, bool reset) {
  if (reset) {
    socket_reset(SSL_get_fd(slot->client));
  } else {
    if (chance(2)) SSL_shutdown(slot->client);
    close(SSL_get_fd(slot->client));
  }
  SSL_free(slot->client);
  ERR_clear_error();
  slot->client = NULL;
  if (slot->fd >= 0) close(slot->fd);
  if (slot->stage == STAGE_TAKEN && chance(2)) tell(slot);
  if (slot->inner.fd >= 0) close(slot->inner.fd);
  slot->fd = slot->inner.fd = -1;
}

static void move_bytes(int fd) {
  if (chance(2)) {
    ssize_t sent = send(fd, data, prng_range(&prng, 1, sizeof data), MSG_NOSIGNAL);
    CHECK(sent >= 0 || errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
  } else {
    ssize_t got = recv(fd, data, prng_range(&prng, 1, sizeof data), 0);
    CHECK(got >= 0 || errno == EAGAIN || errno == ECONNRESET);
  }
}

static void act_client(struct slot *slot) {
  size_t count = 0;
  ERR_clear_error();
  if (chance(2)) {
    SSL_read_ex(slot->client, data, prng_range(&prng, 1, sizeof data), &count);
  } else if (chance(20)) {
    SSL_shutdown(slot->client);
  } else if (chance(20)) {
    shutdown(SSL_get_fd(slot->client), SHUT_WR);
  } else {
    SSL_write_ex(slot->client, data, 4096, &count); /* a retry is of the same length */
  }
}

static void act_embedder(struct slot *slot) {
  if (slot->fd < 0) return;
  if (chance(12)) {
    close(slot->fd);
    slot->fd = -1;
    if (chance(2)) tell(slot);
  } else if (chance(20)) {
    shutdown(slot->fd, SHUT_WR);
  } else if (!slot->told && chance(40)) {
    engine_reset_client(rig.engine, slot->id);
  } else if (!slot->told && chance(12)) {
    const char *bytes = REQUEST_HEAD "early";
    if (engine_attach_client(rig.engine, slot->id, slot->fd, (const uint8_t *)bytes, (uint32_t)strlen(bytes))) {
      slot->stage = STAGE_GIVEN_BACK;
      owed--;
    }
    close(slot->fd);
    slot->fd = -1;
    if (slot->stage == STAGE_TAKEN) tell(slot);
  } else {
    move_bytes(slot->fd);
  }
}

static void act_inner(struct slot *slot) {
  struct opened *inner = &slot->inner;
  if (inner->fd < 0) {
    if (slot->stage != STAGE_TAKEN || slot->told) return;
    if (!engine_open_client(rig.engine, slot->id, (const uint8_t *)REQUEST_HEAD, strlen(REQUEST_HEAD), inner)) {
      inner->fd = -1;
    } else {
      inners[inner_count++] = inner->id;
    }
    return;
  }
  if (chance(15)) engine_reset_client(rig.engine, inner->id);
  if (chance(15)) shutdown(inner->fd, SHUT_WR);
  engine_client_fate(rig.engine, inner->id);
  if (chance(15)) {
    close(inner->fd);
    inner->fd = -1;
  } else {
    move_bytes(inner->fd);
  }
}

static void act_backend(int *backend) {
  if (*backend < 0) {
    *backend = accept4(rig.backend, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (*backend >= 0 && !chance(4)) send(*backend, SWITCH_HEAD, strlen(SWITCH_HEAD), MSG_NOSIGNAL);
    return;
  }
  if (chance(15)) {
    if (chance(2)) {
      socket_reset(*backend);
    } else {
      close(*backend);
    }
    *backend = -1;
  } else {
    move_bytes(*backend);
  }
}

static void disturb(void) {
  if (chance(300)) engine_close_all(rig.engine, REASON_DRAIN_TIMEOUT);
  if (!chance(300)) return;
  engine_detach(rig.engine);
  inner_count = 0;
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
}

/* How often the embedder was told that it has ended. */
static int told_of(connection_id id) {
  int times = 0;
  for (size_t i = 0; i < rig.embedder.count; i++) {
    times += rig.embedder.events[i].kind == EVENT_ENDED && rig.embedder.events[i].id == id;
  }
  return times;
}

static void check_told(void) {
  for (size_t i = 0; i < inner_count; i++) EVENTUALLY(told_of(inners[i]) == 1);
  for (size_t i = 0; i < rig.embedder.count; i++) {
    if (rig.embedder.events[i].kind == EVENT_ENDED) CHECK_EQ(told_of(rig.embedder.events[i].id), 1);
  }
}

static void round_of(uint64_t seed) {
  prng = prng_new(seed);
  struct engine_options options = embedder_options();
  options.pending_bytes_max = chance(2) ? 16u << 20 : prng_range(&prng, 0, 200000);
  options.half_close_timeout_ms = prng_range(&prng, 1, 100);
  options.linger_timeout_ms = prng_range(&prng, 1, 50);
  memset(slots, 0, sizeof slots);
  owed = 0;
  inner_count = 0;
  rig_open(&rig, &options, chance(2) ? 4096 : 0);
  tls_peer_listen(&rig);
  rig.embedder.decide = decide;
  rig.embedder.idle_timeout_ms = prng_range(&prng, 50, 300);
  for (int i = 0; i < BACKENDS; i++) backends[i] = -1;
  for (int action = 0; action < ACTIONS; action++) {
    struct slot *slot = &slots[prng_range(&prng, 0, SLOTS - 1)];
    if (slot->client == NULL) {
      open_slot(slot);
      continue;
    }
    act_client(slot);
    act_embedder(slot);
    act_inner(slot);
    act_backend(&backends[prng_range(&prng, 0, BACKENDS - 1)]);
    if (chance(3)) embedder_step(&rig.embedder, 0);
    if (chance(40)) close_client(slot, chance(2));
    disturb();
    rig_log_lines(&rig);
    rig.log_length = 0;
  }
  for (int i = 0; i < SLOTS; i++) {
    if (slots[i].client != NULL) close_client(&slots[i], i % 2);
  }
  for (int i = 0; i < BACKENDS; i++) {
    if (backends[i] >= 0) close(backends[i]);
  }
  int left = -1;
  EVENTUALLY(((left = accept4(rig.backend, NULL, NULL, SOCK_CLOEXEC)) >= 0 && close(left) != 0) ||
             rig_stats(&rig).active + rig_stats(&rig).queued == 0);
  while ((left = accept4(rig.backend, NULL, NULL, SOCK_CLOEXEC)) >= 0) close(left);
  check_told();
  for (; owed > 0; owed--) engine_log_line(rig.engine, "{}\n", 3);
  tls_peer_forget(&rig);
  rig_close(&rig);
}

TEST(tls_churn_on_the_stream_path) {
  uint64_t seed = harness_seed(1);
  for (uint64_t round = 0; round < ROUNDS; round++) round_of(harness_seed_set(seed + round));
}
