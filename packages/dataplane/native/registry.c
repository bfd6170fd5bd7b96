/*
 * The registry: every engine of the process, and the queue through which sockets reach each of them.
 *
 * Engines are made once and never freed, so a pointer from here is good in any thread. What other threads touch is
 * atomic or under queue_lock; a hand-over is pushed only while the engine is ready, checked under the same lock that a
 * dying engine takes, so none is left behind unseen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct engine *engines[ENGINES_MAX];
static _Atomic uint32_t engines_length;

uint64_t clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool watch_own(int epfd, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = UINT64_MAX - (uint64_t)fd};
  return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_descriptors(struct engine *engine) {
  engine->epfd = epoll_create1(EPOLL_CLOEXEC);
  engine->wakefd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  engine->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (engine->epfd < 0 || engine->wakefd < 0 || engine->timerfd < 0) return false;
  return watch_own(engine->epfd, engine->wakefd) && watch_own(engine->epfd, engine->timerfd);
}

static void engine_discard(struct engine *engine) {
  int error = errno;
  if (engine->epfd >= 0) close(engine->epfd);
  if (engine->wakefd >= 0) close(engine->wakefd);
  if (engine->timerfd >= 0) close(engine->timerfd);
  log_ring_free(&engine->log);
  endings_free(&engine->endings);
  free(engine->queue);
  free(engine->slabs);
  free(engine->events);
  free(engine->scratch);
  free(engine->text);
  free(engine);
  errno = error;
}

static bool allocate(struct engine *engine) {
  engine->queue = calloc(engine->options.queue_max, sizeof *engine->queue);
  engine->slabs = calloc(CONNECTIONS_MAX / SLAB_SIZE, sizeof *engine->slabs);
  engine->events = malloc(EVENT_BUFFER_BYTES);
  engine->scratch = malloc(SCRATCH_BYTES);
  engine->text = malloc(TEXT_BYTES);
  return log_ring_init(&engine->log, engine->options.log_ring_bytes) && engine->queue != NULL &&
         engine->slabs != NULL && engine->events != NULL && engine->scratch != NULL && engine->text != NULL;
}

_Static_assert(EVENT_HEADER_BYTES + ADDRESS_TEXT_MAX + HEAD_BYTES_LIMIT + TLS_TEXT_BYTES + 8 <= EVENT_BUFFER_BYTES,
               "a head is one record");
_Static_assert(HEAD_BYTES_LIMIT + (8u << 10) <= TEXT_BYTES / 2, "a head and what is added to it is one argument");
_Static_assert(HEAD_BYTES_LIMIT <= SCRATCH_BYTES, "the bytes behind a head are one read");

struct engine *engine_create(const struct engine_options *options) {
  errno = EINVAL;
  if (options->head_bytes_max == 0 || options->head_bytes_max > HEAD_BYTES_LIMIT || options->queue_max == 0) return NULL;
  struct engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) return NULL;
  engine->options = *options;
  engine->epfd = engine->wakefd = engine->timerfd = -1;
  pthread_mutex_init(&engine->queue_lock, NULL);
  endings_init(&engine->endings);
  meters_init(engine);
  atomic_store(&engine->heartbeat_ms, clock_us() / 1000);
  engine->wheel_tick = clock_us() / 1000 / WHEEL_TICK_MS;
  if (!allocate(engine) || !open_descriptors(engine)) {
    engine_discard(engine);
    return NULL;
  }
  pthread_mutex_lock(&registry_lock);
  uint32_t index = atomic_load(&engines_length);
  if (index < ENGINES_MAX) {
    engine->index = index;
    engines[index] = engine;
    atomic_store(&engines_length, index + 1);
  }
  pthread_mutex_unlock(&registry_lock);
  if (index < ENGINES_MAX) return engine;
  errno = ENOSPC;
  engine_discard(engine);
  return NULL;
}

uint32_t engine_count(void) { return atomic_load(&engines_length); }

struct engine *engine_get(uint32_t index) { return index < engine_count() ? engines[index] : NULL; }

uint32_t engine_index(const struct engine *engine) { return engine->index; }

void engine_wake(struct engine *engine) {
  uint64_t one = 1;
  /* A full counter already wakes; nothing else can fail here. */
  if (write(engine->wakefd, &one, sizeof one) < 0) return;
}

bool engine_push(struct engine *engine, const struct handover *handover) {
  pthread_mutex_lock(&engine->queue_lock);
  uint32_t queued = atomic_load_explicit(&engine->queued, memory_order_relaxed);
  uint64_t active = atomic_load_explicit(&engine->active, memory_order_relaxed);
  bool pushed = atomic_load(&engine->state) == ENGINE_READY && queued < engine->options.queue_max &&
                active + queued < engine->options.connections_max;
  if (pushed) {
    engine->queue[(engine->queue_head + queued) % engine->options.queue_max] = *handover;
    atomic_store(&engine->queued, queued + 1);
  }
  pthread_mutex_unlock(&engine->queue_lock);
  if (pushed && !atomic_exchange(&engine->wake_pending, true)) engine_wake(engine);
  return pushed;
}

/* The socket counts as an active connection from here on. */
bool engine_pop(struct engine *engine, struct handover *handover) {
  if (atomic_load(&engine->queued) == 0) return false;
  pthread_mutex_lock(&engine->queue_lock);
  uint32_t queued = atomic_load_explicit(&engine->queued, memory_order_relaxed);
  if (queued > 0) {
    *handover = engine->queue[engine->queue_head];
    engine->queue_head = (engine->queue_head + 1) % engine->options.queue_max;
    counter_add(&engine->active, 1); /* counted all the time: else the acceptor sees room that is not there */
    atomic_store(&engine->queued, queued - 1);
  }
  pthread_mutex_unlock(&engine->queue_lock);
  return queued > 0;
}

static bool takes_sockets(struct engine *engine, uint64_t now_ms) {
  if (atomic_load(&engine->state) != ENGINE_READY) return false;
  if (atomic_load(&engine->heartbeat_ms) + HEARTBEAT_STALE_MS < now_ms) return false;
  uint64_t queued = atomic_load(&engine->queued);
  return queued < engine->options.queue_max &&
         atomic_load(&engine->active) + queued < engine->options.connections_max;
}

struct engine *engine_pick(void) {
  static _Atomic uint32_t turn; /* equal loads take turns */
  uint64_t now_ms = clock_us() / 1000;
  uint32_t count = engine_count();
  uint32_t start = count > 0 ? atomic_fetch_add(&turn, 1) % count : 0;
  struct engine *best = NULL;
  uint64_t least = UINT64_MAX;
  for (uint32_t i = 0; i < count; i++) {
    struct engine *engine = engines[(start + i) % count];
    uint64_t load = atomic_load(&engine->active) + atomic_load(&engine->queued);
    if (load < least && takes_sockets(engine, now_ms)) {
      best = engine;
      least = load;
    }
  }
  return best;
}

/* The sockets that wait for a dead engine go to others; without another they wait for its successor. */
void engine_redistribute(struct engine *engine) {
  struct handover handover;
  for (struct engine *other = engine_pick(); other != NULL; other = engine_pick()) {
    if (!engine_pop(engine, &handover)) return;
    counter_add(&engine->active, (uint64_t)-1);
    if (engine_push(other, &handover)) continue;
    pthread_mutex_lock(&engine->queue_lock);
    uint32_t queued = atomic_load(&engine->queued);
    engine->queue[(engine->queue_head + queued) % engine->options.queue_max] = handover;
    atomic_store(&engine->queued, queued + 1);
    pthread_mutex_unlock(&engine->queue_lock);
  }
}

void engine_stats(struct engine *engine, struct engine_stats *stats) {
  uint64_t now_ms = clock_us() / 1000, beat = atomic_load(&engine->heartbeat_ms);
  *stats = (struct engine_stats){
      .active = atomic_load(&engine->active),
      .queued = atomic_load(&engine->queued),
      .spliced = atomic_load(&engine->spliced),
      .opened = atomic_load(&engine->opened),
      .closed = atomic_load(&engine->closed),
      .bytes_up = meters_sum(engine, METER_BYTES_UP),
      .bytes_down = meters_sum(engine, METER_BYTES_DOWN),
      .pending_bytes = atomic_load(&engine->pending_bytes),
      .log_records = atomic_load(&engine->log.records),
      .log_drops = atomic_load(&engine->log.drops),
      .heartbeat_age_ms = now_ms > beat ? now_ms - beat : 0,
      .state = (uint64_t)atomic_load(&engine->state),
      .tls_accepted = atomic_load(&engine->tls_accepted),
      .tls_resumed = atomic_load(&engine->tls_resumed),
      .tls_refused = atomic_load(&engine->tls_refused),
      .tls_connected = atomic_load(&engine->tls_connected),
      .tls_unconnected = atomic_load(&engine->tls_unconnected),
  };
}

void engine_close_all(struct engine *engine, enum reason reason) {
  atomic_store(&engine->close_all, (int)reason + 1);
  engine_wake(engine);
}

size_t engine_log_read(struct engine *engine, uint8_t *out, size_t capacity) {
  return log_ring_read(&engine->log, out, capacity);
}
