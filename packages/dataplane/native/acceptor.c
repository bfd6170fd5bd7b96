/*
 * The acceptor: listening sockets, and the hand-over of what they accept, in a native thread of the primary's process.
 *
 * Not in the primary's event loop: there each connection costs two more waits (libuv's and a nested one), and a busy
 * moment of its JavaScript would hold up every new client. The lock is held while sockets are accepted, never while
 * waiting, so the calls of the primary come through at once.
 *
 * Each socket goes to the engine with the fewest connections. It never spins: without an engine that takes sockets, or
 * without descriptors (two a client, three of one with a socket pair, plus a reserve), it stops listening for events and
 * looks again a little later; clients wait in the kernel's queue meanwhile.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "internal.h"

#define ACCEPT_BATCH 64
#define RETRY_MS 20

static struct {
  int epfd, timerfd;
  struct listeners listeners;
  bool asked; /* between acceptor_start and acceptor_pause */
  bool armed; /* listening for events */
  uint64_t own_descriptors, limit;
  struct handover parked; /* accepted, but every engine was full or dead by then */
  bool has_parked;
  pthread_mutex_t lock;
  pthread_t thread;
  bool running;
  _Atomic bool stopping;
} acceptor = {.epfd = -1, .timerfd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic uint64_t clients;
static _Atomic uint64_t pairs; /* clients with a descriptor more: see bridge.c and inner.c */
static _Atomic int waiting; /* enum accept_wait */

void descriptors_released(void) { atomic_fetch_sub_explicit(&clients, 1, memory_order_relaxed); }

void descriptors_taken(void) { atomic_fetch_add_explicit(&clients, 1, memory_order_relaxed); }
void descriptors_paired(int change) { atomic_fetch_add_explicit(&pairs, (uint64_t)(int64_t)change, memory_order_relaxed); }

static uint64_t descriptor_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

static uint64_t count_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return 64;
  uint64_t count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static bool has_descriptors(void) {
  uint64_t used = acceptor.own_descriptors + DESCRIPTOR_RESERVE + 2 * (atomic_load(&clients) + 1) + atomic_load(&pairs);
  return used <= acceptor.limit;
}

void acceptor_descriptors(uint64_t *client_count, uint64_t *limit, bool *paused) {
  *client_count = atomic_load(&clients);
  *limit = acceptor.limit;
  *paused = atomic_load(&waiting) != WAIT_NONE;
}

enum accept_wait acceptor_waits(void) { return (enum accept_wait)atomic_load(&waiting); }

static bool open_own(void) {
  if (acceptor.epfd >= 0) return true;
  acceptor.epfd = epoll_create1(EPOLL_CLOEXEC);
  acceptor.timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = UINT32_MAX};
  return acceptor.epfd >= 0 && acceptor.timerfd >= 0 &&
         epoll_ctl(acceptor.epfd, EPOLL_CTL_ADD, acceptor.timerfd, &event) == 0;
}

int acceptor_poll_fd(void) { return open_own() ? acceptor.epfd : -1; }

static void set_events(uint32_t events) {
  listeners_watch(&acceptor.listeners, acceptor.epfd, events);
  acceptor.armed = events != 0;
}

/* Joins at once when the others are accepted from. */
static int add_listener(const struct listen_options *options, uint16_t *port, const char **syscall_name) {
  *syscall_name = "epoll_create1";
  if (!open_own()) return -1;
  uint32_t events = acceptor.armed ? EPOLLIN : 0;
  int number = listeners_add(&acceptor.listeners, acceptor.epfd, events, options, port, syscall_name);
  if (number >= 0 && acceptor.own_descriptors > 0) acceptor.own_descriptors++;
  return number;
}

struct listener *acceptor_keep_listener(uint32_t number) {
  pthread_mutex_lock(&acceptor.lock);
  struct listening *listening = listeners_find(&acceptor.listeners, number);
  struct listener *listener = listening != NULL ? listener_keep(listening->listener) : NULL;
  pthread_mutex_unlock(&acceptor.lock);
  return listener;
}

static void fire_timer(long nanoseconds) {
  struct itimerspec when = {.it_value = {.tv_nsec = nanoseconds}};
  timerfd_settime(acceptor.timerfd, 0, &when, NULL);
}

static void wait_a_little(enum accept_wait wait) {
  if (acceptor.armed) set_events(0);
  atomic_store(&waiting, wait);
  fire_timer(RETRY_MS * 1000000);
}

static void take_address(struct handover *handover, const union address *address) {
  if (address->any.sa_family == AF_INET6) {
    handover->address = address->v6.sin6_addr;
    handover->port = ntohs(address->v6.sin6_port);
    return;
  }
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  memcpy(handover->address.s6_addr, mapped, sizeof mapped);
  memcpy(handover->address.s6_addr + 12, &address->v4.sin_addr, 4);
  handover->port = ntohs(address->v4.sin_port);
}

static bool hand_over(const struct handover *handover) {
  for (struct engine *engine = engine_pick(); engine != NULL; engine = engine_pick()) {
    if (engine_push(engine, handover)) return true;
  }
  return false;
}

static enum accept_wait needed_wait(void) {
  if (!has_descriptors()) return WAIT_DESCRIPTORS;
  return acceptor.has_parked || engine_pick() == NULL ? WAIT_ENGINES : WAIT_NONE;
}

/* Accepts one socket and hands it over. False: nothing more to accept now. */
static bool accept_one(const struct listening *listening) {
  enum accept_wait wait = needed_wait();
  if (wait != WAIT_NONE) {
    wait_a_little(wait);
    return false;
  }
  union address address;
  socklen_t length = sizeof address;
  int fd = accept4(listening->fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (exhausted) wait_a_little(WAIT_DESCRIPTORS);
    return !exhausted && errno != EAGAIN;
  }
  struct handover handover = {.fd = fd, .listener = listener_keep(listening->listener), .accepted_us = clock_us()};
  take_address(&handover, &address);
  descriptors_taken();
  if (hand_over(&handover)) return true;
  acceptor.parked = handover;
  acceptor.has_parked = true;
  wait_a_little(WAIT_ENGINES);
  return false;
}

static void accept_some(const struct listening *listening) {
  for (int budget = ACCEPT_BATCH; budget > 0 && acceptor.armed; budget--) {
    if (!accept_one(listening)) return;
  }
}

static void handle(const struct epoll_event *event) {
  if (event->data.u32 != UINT32_MAX) {
    const struct listening *listening = &acceptor.listeners.places[event->data.u32];
    if (listening->listener != NULL) accept_some(listening); /* else: closed since epoll_wait returned */
    return;
  }
  if (acceptor.has_parked) acceptor.has_parked = !hand_over(&acceptor.parked);
  enum accept_wait wait = needed_wait();
  if (acceptor.has_parked || (wait != WAIT_NONE && acceptor.asked)) {
    wait_a_little(wait);
  } else if (acceptor.asked && !acceptor.armed) {
    atomic_store(&waiting, WAIT_NONE);
    set_events(EPOLLIN);
  }
}

static void turn(int timeout_ms) {
  struct epoll_event events[LISTENERS_MAX + 1];
  int count = epoll_wait(acceptor.epfd, events, LISTENERS_MAX + 1, timeout_ms);
  pthread_mutex_lock(&acceptor.lock);
  for (int i = 0; i < count; i++) handle(&events[i]);
  pthread_mutex_unlock(&acceptor.lock);
}

void acceptor_turn(void) { turn(0); }

static void *run(void *argument) {
  (void)argument;
  while (!atomic_load(&acceptor.stopping)) turn(-1);
  return NULL;
}

/* Signals are Node's: the thread starts with all of them blocked. */
bool acceptor_run(void) {
  if (acceptor.running) return true;
  if (!open_own()) return false;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  atomic_store(&acceptor.stopping, false);
  acceptor.running = pthread_create(&acceptor.thread, NULL, run, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return acceptor.running;
}

int acceptor_listen(const struct listen_options *options, uint16_t *port, const char **syscall_name) {
  pthread_mutex_lock(&acceptor.lock);
  int listener = add_listener(options, port, syscall_name);
  int error = errno;
  pthread_mutex_unlock(&acceptor.lock);
  errno = error;
  return listener;
}

enum listener_outcome acceptor_identify_listener(uint32_t number, const struct listener_identity *identity) {
  pthread_mutex_lock(&acceptor.lock);
  struct listening *listening = listeners_find(&acceptor.listeners, number);
  enum listener_outcome outcome = number < acceptor.listeners.numbers ? LISTENER_CLOSED : LISTENER_UNKNOWN;
  if (listening != NULL) outcome = listeners_identify(listening, identity) ? LISTENER_DONE : LISTENER_NO_MEMORY;
  pthread_mutex_unlock(&acceptor.lock);
  return outcome;
}

enum listener_outcome acceptor_admit_listener(uint32_t number) {
  pthread_mutex_lock(&acceptor.lock);
  struct listening *listening = listeners_find(&acceptor.listeners, number);
  enum listener_outcome outcome = number < acceptor.listeners.numbers ? LISTENER_CLOSED : LISTENER_UNKNOWN;
  if (listening != NULL) {
    listeners_admit(&acceptor.listeners, listening, acceptor.epfd, acceptor.armed ? EPOLLIN : 0);
    outcome = LISTENER_DONE;
  }
  pthread_mutex_unlock(&acceptor.lock);
  return outcome;
}

enum listener_outcome acceptor_close_listener(uint32_t number) {
  pthread_mutex_lock(&acceptor.lock);
  struct listening *listening = listeners_find(&acceptor.listeners, number);
  enum listener_outcome outcome = number < acceptor.listeners.numbers ? LISTENER_CLOSED : LISTENER_UNKNOWN;
  if (listening != NULL) {
    listeners_close(listening);
    if (acceptor.own_descriptors > 0) acceptor.own_descriptors--;
    outcome = LISTENER_DONE;
  }
  pthread_mutex_unlock(&acceptor.lock);
  return outcome;
}

void acceptor_start(void) {
  pthread_mutex_lock(&acceptor.lock);
  if (acceptor.own_descriptors == 0) acceptor.own_descriptors = count_descriptors();
  acceptor.limit = descriptor_limit();
  acceptor.asked = true;
  if (!acceptor.armed) set_events(EPOLLIN);
  pthread_mutex_unlock(&acceptor.lock);
}

void acceptor_pause(void) {
  pthread_mutex_lock(&acceptor.lock);
  acceptor.asked = false;
  atomic_store(&waiting, WAIT_NONE);
  set_events(0);
  pthread_mutex_unlock(&acceptor.lock);
}

void acceptor_close(void) {
  pthread_mutex_lock(&acceptor.lock);
  acceptor.asked = acceptor.armed = false;
  listeners_close_all(&acceptor.listeners);
  if (acceptor.has_parked) {
    close(acceptor.parked.fd); /* nobody took it in time, and nobody will */
    listener_release(acceptor.parked.listener);
    descriptors_released();
    acceptor.has_parked = false;
  }
  pthread_mutex_unlock(&acceptor.lock);
  if (!acceptor.running) return;
  atomic_store(&acceptor.stopping, true);
  fire_timer(1);
  pthread_join(acceptor.thread, NULL);
  acceptor.running = false;
}
