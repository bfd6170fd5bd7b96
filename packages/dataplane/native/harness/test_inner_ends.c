/* Inner clients' ends: whatever it was, the embedder is told, and why; and it may reset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inner_peer.h"

#define NO_FATE REASON_COUNT

/* The end that the embedder reads does not say why: it asks. */
TEST(inner_tells_why_it_ended) {
  int backend;
  inner_open(NULL, 0);
  struct opened opened = inner_spliced(&backend);
  socket_send_text(backend, "last");
  embedder_step(&inner.rig.embedder, 100);
  socket_reset(backend);
  socket_expect_text(opened.fd, "last");
  socket_expect_eof(opened.fd);
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), REASON_BACKEND_RESET);
  close(opened.fd);
  inner_expect_ended(&opened, REASON_BACKEND_RESET);
  inner_close();
}

TEST(inner_fate_of_one_whose_event_waits) {
  int backend;
  inner_open(NULL, 0);
  inner.rig.embedder.idle_timeout_ms = 40;
  struct opened opened = inner_spliced(&backend);
  uint64_t until = harness_now_ms() + EVENTUALLY_MS;
  while (rig_stats(&inner.rig).active == 2 && harness_now_ms() < until) engine_turn(inner.rig.engine); /* no delivery */
  CHECK_EQ(rig_stats(&inner.rig).active, 1);
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), REASON_IDLE_TIMEOUT);
  CHECK(!engine_reset_client(inner.rig.engine, opened.id));
  engine_rest(inner.rig.engine);
  inner_expect_ended(&opened, REASON_IDLE_TIMEOUT);
  socket_expect_eof(opened.fd);
  close(opened.fd);
  close(backend);
  inner_close();
}

/* A reset by the embedder, in each state; what the backend sees of it is what it sees of any client's reset. */
TEST(inner_is_reset) {
  char head[256];
  struct opened opened;
  int backend;
  inner_open(NULL, 0); /* spliced */
  opened = inner_spliced(&backend);
  CHECK_EQ(write(opened.fd, "bef", 3), 3);
  embedder_step(&inner.rig.embedder, 100);
  CHECK_EQ(write(opened.fd, "ore", 3), 3); /* nobody has read this yet */
  CHECK(engine_reset_client(inner.rig.engine, opened.id));
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened.id), REASON_CLIENT_RESET);
  socket_expect_eof(opened.fd);
  CHECK(send(opened.fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
  socket_expect_text(backend, "before");
  socket_expect_eof(backend);
  close(backend);
  inner_expect_ended(&opened, REASON_CLIENT_RESET);
  close(opened.fd);
  inner_close();

  inner_open(NULL, 0); /* its request has not been told */
  CHECK(inner_try(inner.parent, REQUEST_HEAD, &opened));
  CHECK(engine_reset_client(inner.rig.engine, opened.id));
  inner_expect_ended(&opened, REASON_CLIENT_ABORTED);
  close(opened.fd);
  inner_close();

  inner_open(NULL, 0); /* the answer is awaited */
  CHECK(inner_try(inner.parent, REQUEST_HEAD, &opened));
  backend = rig_backend(&inner.rig);
  socket_read_head(backend, head, sizeof head);
  CHECK(engine_reset_client(inner.rig.engine, opened.id));
  inner_expect_ended(&opened, REASON_CLIENT_ABORTED);
  socket_expect_eof(backend);
  close(backend);
  close(opened.fd);
  inner_close();

  inner_open(NULL, 0); /* an answer passes */
  CHECK(inner_try(inner.parent, REQUEST_HEAD, &opened));
  backend = rig_backend(&inner.rig);
  socket_read_head(backend, head, sizeof head);
  socket_send_text(backend, "HTTP/1.1 403 No\r\n\r\n");
  socket_expect_text(opened.fd, "HTTP/1.1 403 No\r\n\r\n");
  CHECK(engine_reset_client(inner.rig.engine, opened.id));
  inner_expect_ended(&opened, REASON_CLIENT_RESET);
  socket_expect_eof(backend);
  close(backend);
  close(opened.fd);
  inner_close();
}

/* Its own end simply closes: in order, as long as nothing that was sent to it stays unread. */
TEST(inner_end_that_is_closed) {
  for (int unread = 0; unread < 2; unread++) {
    int backend;
    inner_open(NULL, 0);
    struct opened opened = inner_spliced(&backend);
    CHECK_EQ(write(opened.fd, "last", 4), 4);
    if (unread) {
      socket_send_text(backend, "unread");
      EVENTUALLY(socket_available(opened.fd) > 0);
    }
    close(opened.fd);
    socket_expect_text(backend, "last");
    socket_expect_eof(backend);
    close(backend);
    inner_expect_ended(&opened, unread ? REASON_CLIENT_RESET : REASON_CLIENT_CLOSED);
    inner_close();
  }
}

TEST(inner_ends_with_close_all_and_with_its_thread) {
  for (int death = 0; death < 2; death++) {
    int backend;
    struct opened waiting;
    inner_open(NULL, 0);
    struct opened opened = inner_spliced(&backend);
    inner.rig.embedder.decide = NULL;
    CHECK(inner_try(inner.parent, REQUEST_HEAD, &waiting));
    if (death) {
      engine_detach(inner.rig.engine);
      CHECK_EQ(rig_stats(&inner.rig).active, 0);
      CHECK(engine_attach(inner.rig.engine, true));
      engine_ready(inner.rig.engine);
    } else {
      engine_close_all(inner.rig.engine, REASON_DRAIN_TIMEOUT);
      EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_ENDED) == 3);
    }
    socket_expect_eof(opened.fd);
    socket_expect_eof(waiting.fd);
    socket_expect_eof(backend);
    close(opened.fd);
    close(waiting.fd);
    close(backend);
    EVENTUALLY(rig_log_lines(&inner.rig) == 2);
    const char *reason = death ? "\"closeReason\":\"worker-lost\"" : "\"closeReason\":\"drain-timeout\"";
    CHECK(strstr(inner.rig.log, reason) != NULL);
    inner_close();
  }
}
