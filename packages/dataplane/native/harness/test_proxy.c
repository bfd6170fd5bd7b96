/* PROXY headers over the whole core: in any pieces, in front of a request, late, cut, malformed, from others. */
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define V1_HEADER "PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n"
#define V2_HEADER "\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x2b" V6_ADDRESSES "\x12\x67\x00\x50" "\x04\x00\x04TLVs"
#define V6_ADDRESSES "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"

static struct rig rig;
static struct proxy_source loopback = {.address.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = 104};
static struct proxy_source elsewhere = {.address.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 10}, .prefix = 104};

static void open_for(struct proxy_source *source, const struct engine_options *options) {
  rig_open(&rig, options, 0);
  rig.listener.proxy_sources = source;
  rig.listener.proxy_count = 1;
}

static void finish(int client, int backend) {
  close(client);
  socket_expect_eof(backend);
  close(backend);
}

/* In two pieces, with everything behind it in the second. */
static void splice_at(const char *header, size_t length, size_t cut, size_t opened, const char *address, uint16_t port) {
  char rest[512];
  int client = rig_client(&rig);
  socket_send(client, header, cut);
  EVENTUALLY(rig_stats(&rig).opened == opened);
  embedder_step(&rig.embedder, 0);
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_REQUEST), opened - 1);
  memcpy(rest, header + cut, length - cut);
  memcpy(rest + length - cut, REQUEST_HEAD "early", strlen(REQUEST_HEAD) + 5);
  socket_send(client, rest, length - cut + strlen(REQUEST_HEAD) + 5);
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_send_text(backend, SWITCH_HEAD);
  socket_expect_text(backend, "early");
  struct event event = embedder_last(&rig.embedder, EVENT_REQUEST);
  CHECK(strcmp(event.head, REQUEST_HEAD) == 0 && strcmp(event.address, address) == 0);
  CHECK_EQ(event.d, port);
  finish(client, backend);
}

TEST(proxy_header_cut_at_every_byte) {
  open_for(&loopback, NULL);
  size_t opened = 0;
  for (size_t cut = 0; cut < sizeof V1_HEADER - 1; cut++) {
    splice_at(V1_HEADER, sizeof V1_HEADER - 1, cut, ++opened, "203.0.113.7", 4711);
  }
  rig_log_lines(&rig);
  CHECK(strstr(rig.log, "\"clientIp\":\"203.0.113.7:4711\"") != NULL);
  rig.log_length = 0;
  for (size_t cut = 0; cut < sizeof V2_HEADER - 1; cut++) {
    splice_at(V2_HEADER, sizeof V2_HEADER - 1, cut, ++opened, "2001:db8::7", 0x1267);
  }
  EVENTUALLY(rig_stats(&rig).active == 0);
  rig_log_lines(&rig);
  CHECK(strstr(rig.log, "\"clientIp\":\"[2001:db8::7]:4711\"") != NULL);
  rig_close(&rig);
}

TEST(proxy_header_and_request_one_byte_at_a_time) {
  open_for(&loopback, NULL);
  int client = rig_client(&rig);
  for (const char *at = V1_HEADER REQUEST_HEAD; *at != 0; at++) {
    socket_send(client, at, 1);
    embedder_step(&rig.embedder, 5);
  }
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_reset(client);
  socket_drain(backend, rig.log, sizeof rig.log, &(size_t){0});
  close(backend);
  rig_close(&rig);
}

/* The record is the listener's, with the balancer's address: whom else could it name. */
TEST(proxy_header_malformed_ends_at_once) {
  static const char *const bad[] = {REQUEST_HEAD, "PROXY TCP4 x\r\n" REQUEST_HEAD, "G"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    open_for(&loopback, NULL);
    int client = rig_client(&rig);
    socket_send_text(client, bad[i]);
    size_t length = 0;
    socket_drain(client, rig.log, sizeof rig.log, &length);
    CHECK_EQ(length, 0);
    close(client);
    rig_expect_log(&rig, "\"closeReason\":\"malformed-proxy-header\"");
    rig_expect_log(&rig, "\"by\":\"listener\",\"proxyError\":\"");
    rig_expect_log(&rig, "\"clientIp\":\"127.0.0.1:");
    CHECK_EQ(embedder_count(&rig.embedder, EVENT_REQUEST) + embedder_count(&rig.embedder, EVENT_FAILED), 0);
    rig_close(&rig);
  }
}

TEST(proxy_header_that_does_not_come) {
  struct engine_options options = embedder_options();
  options.request_head_timeout_ms = 60;
  for (size_t said = 0; said < 20; said += 10) {
    open_for(&loopback, &options);
    int client = rig_client(&rig);
    socket_send(client, V1_HEADER, said);
    size_t length = 0;
    socket_drain(client, rig.log, sizeof rig.log, &length);
    CHECK_EQ(length, 0);
    close(client);
    rig_expect_log(&rig, "\"closeReason\":\"request-timeout\"");
    rig_close(&rig);
  }
}

/* The time for the header is part of the request head's. */
TEST(proxy_header_gives_no_more_time) {
  struct engine_options options = embedder_options();
  options.request_head_timeout_ms = 60;
  open_for(&loopback, &options);
  int client = rig_client(&rig);
  socket_send_text(client, V1_HEADER "GET / HT");
  socket_expect_text(client, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate");
  CHECK(strcmp(embedder_last(&rig.embedder, EVENT_FAILED).address, "203.0.113.7") == 0);
  close(client);
  rig_expect_log(&rig, "\"clientIp\":\"203.0.113.7:4711\"");
  rig_close(&rig);
}

/* Between two pieces, behind all of a header, and without a byte (a balancer's probe): half-closed, closed, reset. */
TEST(proxy_client_that_leaves) {
  for (size_t way = 0; way < 9; way++) {
    open_for(&loopback, NULL);
    int client = rig_client(&rig);
    socket_send(client, V1_HEADER, way % 3 == 0 ? 0 : way % 3 == 1 ? 10 : sizeof V1_HEADER - 1);
    if (way / 3 == 0) socket_shut(client);
    if (way / 3 == 1) close(client);
    if (way / 3 == 2) socket_reset(client);
    rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
    size_t length = 0;
    if (way / 3 == 0) socket_drain(client, rig.log, sizeof rig.log, &length);
    if (way / 3 == 0) close(client);
    CHECK_EQ(length, 0);
    rig_close(&rig);
  }
}

TEST(proxy_header_and_end_in_one_piece) {
  open_for(&loopback, NULL);
  int client = rig_client(&rig);
  socket_send_text(client, V1_HEADER REQUEST_HEAD "early");
  socket_shut(client);
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_send_text(backend, SWITCH_HEAD);
  socket_expect_text(backend, "early");
  socket_expect_eof(backend);
  close(backend);
  socket_expect_text(client, SWITCH_HEAD);
  socket_expect_eof(client);
  close(client);
  rig_close(&rig);
}

/* Nobody believes it: what they send is a request, and the header is the head of one that is malformed. */
TEST(proxy_header_of_others_is_not_read) {
  open_for(&elsewhere, NULL);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  CHECK(strcmp(embedder_last(&rig.embedder, EVENT_REQUEST).address, "127.0.0.1") == 0);
  finish(client, backend);
  client = rig_client(&rig);
  socket_send_text(client, V1_HEADER REQUEST_HEAD);
  backend = rig_backend(&rig);
  socket_expect_text(backend, V1_HEADER REQUEST_HEAD);
  CHECK(strcmp(embedder_last(&rig.embedder, EVENT_REQUEST).address, "127.0.0.1") == 0);
  socket_reset(client);
  close(backend);
  rig_close(&rig);
}

/* The worker dies while headers are awaited: one comes when nobody decides, one when the next does. */
TEST(proxy_header_outlives_a_worker) {
  open_for(&loopback, NULL);
  int first = rig_client(&rig), second = rig_client(&rig);
  EVENTUALLY(rig_stats(&rig).opened == 2);
  engine_detach(rig.engine);
  CHECK(engine_attach(rig.engine, false));
  rig.embedder.deciding = false;
  socket_send_text(first, V1_HEADER);
  for (int i = 0; i < 5; i++) embedder_step(&rig.embedder, 5);
  socket_send_text(first, REQUEST_HEAD);
  for (int i = 0; i < 5; i++) embedder_step(&rig.embedder, 5);
  engine_detach(rig.engine);
  CHECK(engine_attach(rig.engine, true));
  rig.embedder.deciding = true;
  engine_ready(rig.engine);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  socket_send_text(second, V1_HEADER REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 2);
  CHECK(strcmp(embedder_last(&rig.embedder, EVENT_REQUEST).address, "203.0.113.7") == 0);
  int backend = rig_backend(&rig), other = rig_backend(&rig);
  socket_reset(first);
  socket_reset(second);
  close(backend);
  close(other);
  rig_close(&rig);
}

TEST(client_address_is_the_records) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  connection_id id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  CHECK(!engine_client_address(rig.engine, id, "10.0.0", 1));
  CHECK(!engine_client_address(rig.engine, id + 1, "10.0.0.1", 1));
  CHECK(engine_client_address(rig.engine, id, "198.51.100.4", 0));
  CHECK(engine_client_address(rig.engine, id, "2001:db8::9", 12));
  CHECK(engine_client_address(rig.engine, id, "198.51.100.5", 0));
  CHECK(engine_respond(rig.engine, id, BAD_GATEWAY, strlen(BAD_GATEWAY), "\"by\":\"us\"", 9, 0));
  socket_expect_text(client, BAD_GATEWAY);
  close(client);
  rig_expect_log(&rig, "\"clientIp\":\"198.51.100.5\",");
  rig_close(&rig);
}
