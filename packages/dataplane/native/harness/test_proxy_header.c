/* The PROXY header's parser: what it takes, what it refuses, at every split; and which peers have to send one. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../listeners.h"
#include "../proxy.h"
#include "harness.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_BLOCK "\x0a\x01\x02\x03\xc0\xa8\x00\x0b\xdc\x04\x01\xbb"
#define V6_ADDRESS "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6_BLOCK V6_ADDRESS "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdc\x04\x01\xbb"
#define BYTES(text) text, sizeof text - 1

/* Parses every beginning: more is wanted until the verdict, which stands from then on. The bytes are the heap's own, so a
 * sanitizer sees a read behind them. */
static enum proxy_status parse(const char *bytes, size_t length, struct proxy_header *header) {
  enum proxy_status verdict = PROXY_MORE;
  struct proxy_header found = {0};
  for (size_t cut = 0; cut <= length; cut++) {
    uint8_t *own = malloc(cut > 0 ? cut : 1);
    CHECK(own != NULL);
    memcpy(own, bytes, cut);
    enum proxy_status status = proxy_parse(own, cut, &found);
    free(own);
    if (verdict != PROXY_MORE) CHECK_EQ(status, verdict);
    if (status == PROXY_DONE) CHECK(found.length <= cut);
    if (status == PROXY_DONE && verdict == PROXY_MORE) CHECK_EQ(found.length, cut);
    if (status == PROXY_MALFORMED) CHECK(found.why != NULL && found.why[0] != 0);
    verdict = status;
  }
  *header = found;
  return verdict;
}

static void expect_client(const char *bytes, size_t length, const char *address, uint16_t port) {
  struct proxy_header header;
  struct in6_addr wanted;
  CHECK(inet_pton(AF_INET6, address, &wanted) == 1);
  CHECK_EQ(parse(bytes, length, &header), PROXY_DONE);
  CHECK(header.named && memcmp(&header.address, &wanted, sizeof wanted) == 0);
  CHECK_EQ(header.port, port);
}

static void expect_own(const char *bytes, size_t length) {
  struct proxy_header header;
  CHECK_EQ(parse(bytes, length, &header), PROXY_DONE);
  CHECK(!header.named);
}

static void expect_malformed(const char *bytes, size_t length, const char *why) {
  struct proxy_header header;
  if (parse(bytes, length, &header) != PROXY_MALFORMED || strstr(header.why, why) == NULL) {
    test_fail(__FILE__, __LINE__, "%s, not %s, of %s", header.why != NULL ? header.why : "taken", why, bytes);
  }
}

TEST(proxy_v1_names_the_client) {
  expect_client(BYTES("PROXY TCP4 10.1.2.3 192.168.0.11 56324 443\r\n"), "::ffff:10.1.2.3", 56324);
  expect_client(BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\nbehind"), "::ffff:255.255.255.255", 65535);
  expect_client(BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "::ffff:0.0.0.0", 0);
  expect_client(BYTES("PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\nGET / HTTP/1.1\r\n\r\n"), "2001:db8::1", 1);
  expect_client(BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
  expect_own(BYTES("PROXY UNKNOWN\r\n"));
  expect_own(BYTES("PROXY UNKNOWN anything \x80 at all\r\nbehind"));
  expect_own(BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"));
}

TEST(proxy_v1_refuses_what_is_not_exact) {
  static const char *const addresses[] = {
      "PROXY TCP4 10.1.2.3 192.168.0.11 56324\r\n",      "PROXY TCP4 10.1.2.3 192.168.0.11 56324 443 \r\n",
      "PROXY TCP4  10.1.2.3 192.168.0.11 56324 443\r\n", "PROXY TCP4 10.1.2.3 192.168.0.11 56324  443\r\n",
      "PROXY TCP4 10.1.2.3 192.168.0.11 56324 443 1\r\n", "PROXY TCP4 10.01.2.3 192.168.0.11 56324 443\r\n",
      "PROXY TCP4 10.1.2 192.168.0.11 56324 443\r\n",    "PROXY TCP4 10.1.2.256 192.168.0.11 56324 443\r\n",
      "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",      "PROXY TCP6 10.1.2.3 10.1.2.4 1 2\r\n",
      "PROXY TCP6 2001:db8::1%eth0 2001:db8::2 1 2\r\n", "PROXY TCP4 10.1.2.3 192.168.0.11 65536 443\r\n",
      "PROXY TCP4 10.1.2.3 192.168.0.11 056 443\r\n",    "PROXY TCP4 10.1.2.3 192.168.0.11 -1 443\r\n",
      "PROXY TCP4 10.1.2.3 192.168.0.11 1 443x\r\n",     "PROXY TCP4 10.1.2.3 192.168.0.11 1 99999999999999\r\n",
      "PROXY TCP4 \r\n",                                 "PROXY TCP4 10.1.2.3\r\n"};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    expect_malformed(addresses[i], strlen(addresses[i]), "addresses");
  }
  expect_malformed(BYTES("PROXY TCP4 10.1.2.3\0 192.168.0.11 1 443\r\n"), "addresses");
  expect_malformed(BYTES("PROXY TCP5 10.1.2.3 192.168.0.11 1 443\r\n"), "neither");
  expect_malformed(BYTES("PROXY UNKNOWNS\r\n"), "neither");
  expect_malformed(BYTES("PROXY \r\n"), "neither");
  expect_malformed(BYTES("PROXY UNKNOWN\n"), "CR LF");
  expect_malformed(BYTES("PROXY UNKNOWN\rx"), "CR LF");
}

TEST(proxy_refuses_what_is_no_header_at_once) {
  static const char *const others[] = {"GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\n", "proxy TCP4",
                                       "\x16\x03\x01\x02", "\r\n\r\nGET", " PROXY TCP4", "\n"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    expect_malformed(others[i], strlen(others[i]), "no PROXY header");
  }
  struct proxy_header header;
  CHECK_EQ(proxy_parse((const uint8_t *)"G", 1, &header), PROXY_MALFORMED);
}

TEST(proxy_v1_is_bounded) {
  char line[200] = "PROXY UNKNOWN ";
  memset(line + 14, 'x', sizeof line - 14);
  struct proxy_header header;
  CHECK_EQ(proxy_parse((const uint8_t *)line, 106, &header), PROXY_MORE);
  expect_malformed(line, sizeof line - 1, "longer than 107");
  memcpy(line + 105, "\r\n", 2);
  CHECK_EQ(parse(line, sizeof line, &header), PROXY_DONE);
  CHECK_EQ(header.length, 107);
  memcpy(line + 105, "x\r\n", 3);
  expect_malformed(line, sizeof line - 1, "longer than 107");
}

TEST(proxy_v2_names_the_client) {
  expect_client(BYTES(SIGNATURE "\x21\x11\x00\x0c" V4_BLOCK), "::ffff:10.1.2.3", 56324);
  expect_client(BYTES(SIGNATURE "\x21\x11\x00\x0c" V4_BLOCK "GET / HTTP/1.1\r\n\r\n"), "::ffff:10.1.2.3", 56324);
  expect_client(BYTES(SIGNATURE "\x21\x11\x00\x13" V4_BLOCK "\x04\x00\x04\0\0\0\0" "behind"), "::ffff:10.1.2.3", 56324);
  expect_client(BYTES(SIGNATURE "\x21\x21\x00\x24" V6_BLOCK "\x16\x03\x01"), "2001:db8::1", 56324);
}

TEST(proxy_v2_keeps_the_sockets_own_address) {
  expect_own(BYTES(SIGNATURE "\x20\x00\x00\x00" "behind"));
  expect_own(BYTES(SIGNATURE "\x20\x11\x00\x0c" V4_BLOCK));
  expect_own(BYTES(SIGNATURE "\x20\xff\x00\x02" "xx")); /* LOCAL: the family is ignored */
  expect_own(BYTES(SIGNATURE "\x21\x00\x00\x03" "abc"));
  expect_own(BYTES(SIGNATURE "\x21\x12\x00\x0c" V4_BLOCK)); /* UDP */
  expect_own(BYTES(SIGNATURE "\x21\x10\x00\x00"));
  char unix_header[16 + 216 + 6] = SIGNATURE "\x21\x31\x00\xd8";
  expect_own(unix_header, sizeof unix_header);
}

TEST(proxy_v2_refuses_what_is_wrong) {
  expect_malformed(BYTES(SIGNATURE "\x11\x11\x00\x0c" V4_BLOCK), "another version");
  expect_malformed(BYTES(SIGNATURE "\x31"), "another version");
  expect_malformed(BYTES(SIGNATURE "\x22"), "unknown command");
  expect_malformed(BYTES(SIGNATURE "\x21\x41\x00\x0c" V4_BLOCK), "family");
  expect_malformed(BYTES(SIGNATURE "\x21\x13\x00\x0c" V4_BLOCK), "family");
  expect_malformed(BYTES(SIGNATURE "\x21\x11\x00\x0b" V4_BLOCK), "too short");
  expect_malformed(BYTES(SIGNATURE "\x21\x21\x00\x23" V6_BLOCK), "too short");
  expect_malformed(BYTES(SIGNATURE "\x21\x11\x0f\xf1" V4_BLOCK), "longer than 4096");
  char wrong[] = SIGNATURE "\x21\x11\x00\x0c" V4_BLOCK;
  wrong[11] = 'x';
  expect_malformed(wrong, sizeof wrong - 1, "no PROXY header");
}

TEST(proxy_v2_of_exactly_the_limit) {
  static char bytes[PROXY_BYTES_MAX + 10] = SIGNATURE "\x21\x11\x0f\xf0" V4_BLOCK;
  struct proxy_header header;
  CHECK_EQ(proxy_parse((const uint8_t *)bytes, PROXY_BYTES_MAX - 1, &header), PROXY_MORE);
  CHECK_EQ(proxy_parse((const uint8_t *)bytes, sizeof bytes, &header), PROXY_DONE);
  CHECK_EQ(header.length, PROXY_BYTES_MAX);
}

static bool is_expected(const char *source, uint32_t prefix, const char *address) {
  struct proxy_source sources[2] = {{.prefix = 128}, {.prefix = prefix}};
  struct listener listener = {.proxy_sources = sources, .proxy_count = 2};
  struct in6_addr peer;
  CHECK(inet_pton(AF_INET6, source, &sources[1].address) == 1 && inet_pton(AF_INET6, address, &peer) == 1);
  return proxy_expected(&listener, &peer);
}

TEST(proxy_sources_are_ranges_of_one_family) {
  CHECK(is_expected("::ffff:10.0.0.0", 104, "::ffff:10.255.0.1"));
  CHECK(!is_expected("::ffff:10.0.0.0", 104, "::ffff:11.0.0.1"));
  CHECK(is_expected("::ffff:10.0.0.128", 121, "::ffff:10.0.0.255"));
  CHECK(!is_expected("::ffff:10.0.0.128", 121, "::ffff:10.0.0.127"));
  CHECK(is_expected("::ffff:127.0.0.1", 128, "::ffff:127.0.0.1"));
  CHECK(!is_expected("::ffff:127.0.0.1", 128, "::ffff:127.0.0.2"));
  CHECK(is_expected("::ffff:0.0.0.0", 96, "::ffff:203.0.113.7"));
  CHECK(!is_expected("::ffff:0.0.0.0", 96, "2001:db8::1"));
  CHECK(is_expected("::", 0, "2001:db8::1"));
  CHECK(!is_expected("::", 0, "::ffff:203.0.113.7"));
  CHECK(is_expected("2001:db8::", 33, "2001:db8:7fff::1"));
  CHECK(!is_expected("2001:db8::", 33, "2001:db8:8000::1"));
  struct listener nobody = {0};
  CHECK(!proxy_expected(&nobody, &(struct in6_addr){0}));
}
