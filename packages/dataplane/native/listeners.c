/* The table of listening sockets; see listeners.h. */
#include "listeners.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

struct listener *listener_keep(struct listener *listener) {
  atomic_fetch_add_explicit(&listener->references, 1, memory_order_relaxed);
  return listener;
}

void listener_release(struct listener *listener) {
  if (atomic_fetch_sub_explicit(&listener->references, 1, memory_order_acq_rel) != 1) return;
  sni_drop(listener->tls);
  free(listener->log_fields);
  free(listener->proxy_sources);
  free(listener);
}

/* True for none. */
static bool copy_sources(struct listener *listener, const struct listener_identity *identity) {
  if (identity->proxy_count == 0) return true;
  size_t size = identity->proxy_count * sizeof *identity->proxy_sources;
  listener->proxy_sources = malloc(size);
  if (listener->proxy_sources == NULL) return false;
  memcpy(listener->proxy_sources, identity->proxy_sources, size);
  listener->proxy_count = identity->proxy_count;
  return true;
}

/* With one reference, the caller's; NULL, with errno: no memory. */
static struct listener *create(const struct listener_identity *identity) {
  struct listener *listener = calloc(1, sizeof *listener);
  char *fields = strdup(identity->log_fields);
  if (listener == NULL || fields == NULL || !copy_sources(listener, identity)) {
    free(listener);
    free(fields);
    errno = ENOMEM;
    return NULL;
  }
  atomic_init(&listener->references, 1);
  listener->tag = identity->tag;
  listener->group = identity->group;
  listener->log_fields = fields;
  listener->log_length = strlen(fields);
  return listener;
}

static struct listening *find_free(struct listeners *listeners) {
  for (uint32_t place = 0; place < LISTENERS_MAX; place++) {
    if (listeners->places[place].listener == NULL) return &listeners->places[place];
  }
  return NULL;
}

int listeners_add(struct listeners *listeners, int epfd, uint32_t events, const struct listen_options *options,
                  uint16_t *port, const char **syscall_name) {
  *syscall_name = "listen";
  errno = ENOSPC;
  struct listening *listening = find_free(listeners);
  if (listening == NULL || listeners->numbers == INT_MAX) return -1;
  struct listener *listener = create(&options->identity);
  if (listener == NULL) return -1;
  int fd = listener_open(options, port, syscall_name);
  struct epoll_event event = {.events = options->held ? 0 : events,
                              .data.u32 = (uint32_t)(listening - listeners->places)};
  if (fd >= 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0) {
    *listening = (struct listening){
        .fd = fd, .number = listeners->numbers++, .held = options->held, .listener = listener};
    return (int)listening->number;
  }
  int error = errno;
  if (fd >= 0) *syscall_name = "epoll_ctl";
  if (fd >= 0) close(fd);
  listener_release(listener);
  errno = error;
  return -1;
}

struct listening *listeners_find(struct listeners *listeners, uint32_t number) {
  for (uint32_t place = 0; place < LISTENERS_MAX; place++) {
    struct listening *listening = &listeners->places[place];
    if (listening->listener != NULL && listening->number == number) return listening;
  }
  return NULL;
}

bool listeners_identify(struct listening *listening, const struct listener_identity *identity) {
  struct listener *listener = create(identity);
  if (listener == NULL) return false;
  listener->tls = sni_hold(listening->listener);
  listener_release(listening->listener);
  listening->listener = listener;
  return true;
}

static void watch(const struct listeners *listeners, const struct listening *listening, int epfd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(listening - listeners->places)};
  epoll_ctl(epfd, EPOLL_CTL_MOD, listening->fd, &event);
}

void listeners_admit(struct listeners *listeners, struct listening *listening, int epfd, uint32_t events) {
  listening->held = false;
  watch(listeners, listening, epfd, events);
}

void listeners_close(struct listening *listening) {
  close(listening->fd); /* takes it off the epoll set: nobody else has a descriptor of it */
  listener_release(listening->listener);
  *listening = (struct listening){.fd = -1};
}

void listeners_close_all(struct listeners *listeners) {
  for (uint32_t place = 0; place < LISTENERS_MAX; place++) {
    if (listeners->places[place].listener != NULL) listeners_close(&listeners->places[place]);
  }
}

void listeners_watch(const struct listeners *listeners, int epfd, uint32_t events) {
  for (uint32_t place = 0; place < LISTENERS_MAX; place++) {
    const struct listening *listening = &listeners->places[place];
    if (listening->listener != NULL && !listening->held) watch(listeners, listening, epfd, events);
  }
}
