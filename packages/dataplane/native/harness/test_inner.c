/* Inner clients: connections like every other, with their parent's listener and address. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inner_peer.h"

#define NO_FATE REASON_COUNT

TEST(inner_is_a_client_like_every_other) {
  int backend;
  inner_open(NULL, 0);
  struct event before = embedder_last(&inner.rig.embedder, EVENT_REQUEST);
  struct opened opened = inner_spliced(&backend);
  struct event event = embedder_last(&inner.rig.embedder, EVENT_REQUEST);
  CHECK(event.id == opened.id && event.id != inner.parent);
  CHECK_EQ(event.tag, before.tag);
  CHECK_EQ(event.d, before.d);
  CHECK(strcmp(event.address, before.address) == 0);
  CHECK_EQ(rig_stats(&inner.rig).active, 2);
  CHECK_EQ(rig_stats(&inner.rig).opened, 2);
  struct exchange exchange = {.seed = 3, .bytes_ab = 2000000, .bytes_ba = 1000000, .piece_max = 65536, .finish = true};
  socket_exchange(opened.fd, backend, &exchange);
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), NO_FATE);
  close(backend);
  close(opened.fd);
  EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_ENDED) == 1);
  CHECK_EQ(rig_stats(&inner.rig).bytes_up, 2000000);
  CHECK_EQ(rig_stats(&inner.rig).bytes_down, 1000000);
  EVENTUALLY(rig_log_lines(&inner.rig) == 1);
  CHECK_EQ(rig_log_number(&inner.rig, "requestBodyBytes"), 2000000);
  inner_close();
}

TEST(inner_streams_with_small_buffers_and_no_memory) {
  struct engine_options options = embedder_options();
  options.pending_bytes_max = 1000;
  for (int i = 0; i < 2; i++) {
    int backend;
    inner_open(i ? &options : NULL, 4096);
    struct opened opened = inner_spliced(&backend);
    struct exchange exchange = {.seed = 4, .bytes_ab = 600000, .bytes_ba = 600000, .piece_max = 3000, .finish = true};
    socket_exchange(opened.fd, backend, &exchange);
    close(backend);
    close(opened.fd);
    EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_ENDED) == 1);
    inner_close();
  }
}

TEST(inner_passes_half_closes_on) {
  int backend;
  inner_open(NULL, 0);
  struct opened opened = inner_spliced(&backend);
  socket_send_text(backend, "bye");
  socket_shut(backend);
  socket_expect_text(opened.fd, "bye");
  socket_expect_eof(opened.fd);
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), NO_FATE);
  socket_send_text(opened.fd, "still");
  socket_expect_text(backend, "still");
  socket_shut(opened.fd);
  socket_expect_eof(backend);
  inner_expect_ended(&opened, REASON_BACKEND_CLOSED);
  close(opened.fd);
  close(backend);
  inner_close();
}

TEST(inner_is_refused_and_relayed) {
  struct opened opened;
  static char text[8192];
  size_t length;
  inner_open(NULL, 0);
  inner.rig.embedder.backend_port = socket_refused_port();
  CHECK(inner_try(inner.parent, REQUEST_HEAD, &opened));
  CHECK_EQ(socket_drain(opened.fd, text, sizeof text, &length), 0);
  CHECK(length > 12 && memcmp(text, "HTTP/1.1 502", 12) == 0);
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), NO_FATE);
  close(opened.fd);
  inner_expect_ended(&opened, REASON_REFUSED);
  inner_close();

  static const char answer[] = "HTTP/1.1 403 No\r\n\r\nforbidden";
  for (int cut = 0; cut < 2; cut++) {
    inner_open(NULL, 0);
    CHECK(inner_try(inner.parent, REQUEST_HEAD, &opened));
    int backend = rig_backend(&inner.rig);
    socket_read_head(backend, text, sizeof text);
    socket_send_text(backend, answer);
    socket_expect_text(opened.fd, answer);
    if (cut) {
      socket_reset(backend);
    } else {
      close(backend);
    }
    socket_expect_eof(opened.fd);
    if (!cut) CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), NO_FATE);
    close(opened.fd);
    inner_expect_ended(&opened, cut ? REASON_RELAY_TRUNCATED : REASON_RELAYED);
    inner_close();
  }
}

TEST(inner_wants_a_parent_a_head_and_room) {
  struct engine_options options = embedder_options();
  struct opened opened;
  struct rlimit before, none;
  int client, backend;
  options.connections_max = 2;
  inner_open(&options, 0);
  CHECK(!inner_try(inner.parent, "GET / HTTP/1.1\r\n", &opened));
  CHECK(!inner_try(inner.parent, REQUEST_HEAD "behind", &opened));
  CHECK(!inner_try(inner.parent, "", &opened));
  CHECK(!inner_try(inner.parent + 1, REQUEST_HEAD, &opened));
  CHECK(!engine_reset_client(inner.rig.engine, inner.parent));
  CHECK_EQ(engine_client_fate(inner.rig.engine, inner.parent), NO_FATE);
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  none = before;
  none.rlim_cur = 3;
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  bool made = inner_try(inner.parent, REQUEST_HEAD, &opened);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(!made);
  rig_splice(&inner.rig, &client, &backend);
  CHECK(!inner_try(inner.parent, REQUEST_HEAD, &opened)); /* two there are */
  CHECK(!inner_try(embedder_last(&inner.rig.embedder, EVENT_REQUEST).id, REQUEST_HEAD, &opened));
  close(client);
  socket_expect_eof(backend);
  close(backend);
  EVENTUALLY(rig_stats(&inner.rig).active == 1);
  CHECK_EQ(rig_stats(&inner.rig).opened, 2);
  engine_fail(inner.rig.engine);
  CHECK(!inner_try(inner.parent, REQUEST_HEAD, &opened));
  inner_close();
}

/* Pairs leave some descriptors to everybody else; what is refused costs none. */
TEST(inner_leaves_the_reserve_alone) {
  struct rlimit before, few;
  struct opened opened[8];
  int count = 0;
  inner_open(NULL, 0);
  inner.rig.embedder.decide = NULL;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  few = before;
  few.rlim_cur = (rlim_t)harness_descriptors() + DESCRIPTOR_RESERVE + 6;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  while (count < 8 && inner_try(inner.parent, REQUEST_HEAD, &opened[count])) count++;
  int descriptors = harness_descriptors();
  CHECK(!inner_try(inner.parent, REQUEST_HEAD, &opened[0]));
  CHECK_EQ(harness_descriptors(), descriptors);
  CHECK((rlim_t)descriptors + DESCRIPTOR_RESERVE <= few.rlim_cur);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(count > 0 && count < 4);
  for (int i = 0; i < count; i++) {
    CHECK(engine_reset_client(inner.rig.engine, opened[i].id));
    close(opened[i].fd);
  }
  EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_ENDED) == (size_t)count);
  EVENTUALLY(rig_log_lines(&inner.rig) == (size_t)count);
  inner_close();
}

/* What a client does not take, on any of its streams, is the kernel's memory. */
TEST(inner_keeps_little_in_the_kernel) {
  static char data[1 << 20];
  int backend;
  size_t down = 0;
  inner_open(NULL, 0);
  struct opened opened = inner_spliced(&backend);
  CHECK(write(opened.fd, data, sizeof data) < 3 * 65536);
  for (int still = 0; still < 50;) {
    ssize_t count = write(backend, data, sizeof data);
    still = count > 0 ? 0 : still + 1;
    embedder_step(&inner.rig.embedder, 1);
  }
  down = socket_available(opened.fd);
  CHECK(down > 0 && down < 3 * 65536);
  close(opened.fd);
  socket_reset(backend);
  EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_ENDED) == 1);
  EVENTUALLY(rig_log_lines(&inner.rig) == 1);
  inner_close();
}
