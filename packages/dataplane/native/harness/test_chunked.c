/* The chunked scanner: RFC 9112, section 7.1, at every split position. */
#include "../chunked.h"

#include <string.h>

#include "harness.h"

/* Scans in two pieces; what the last piece said, and how many bytes were used in all. */
static enum chunked_status scan_split(const char *text, size_t length, size_t split, size_t *used) {
  struct chunked scan = {0};
  size_t first = 0, second = 0;
  enum chunked_status status = chunked_scan(&scan, (const uint8_t *)text, split, &first);
  *used = first;
  if (status != CHUNKED_MORE) return status;
  CHECK_EQ(first, split);
  status = chunked_scan(&scan, (const uint8_t *)text + split, length - split, &second);
  *used = first + second;
  return status;
}

static void expect(const char *text, enum chunked_status status, size_t used) {
  size_t length = strlen(text);
  for (size_t split = 0; split <= length; split++) {
    size_t got = 0;
    enum chunked_status found = scan_split(text, length, split, &got);
    if (found != status || (status == CHUNKED_END && got != used)) {
      test_fail(__FILE__, __LINE__, "%d, %zu bytes at split %zu of %s", found, got, split, text);
    }
  }
}

static void expect_end(const char *text, const char *behind) {
  char whole[512];
  size_t length = strlen(text);
  memcpy(whole, text, length);
  memcpy(whole + length, behind, strlen(behind) + 1);
  expect(whole, CHUNKED_END, length);
}

TEST(chunked_ends_where_the_body_ends) {
  const char *bodies[] = {"0\r\n\r\n",
                          "5\r\nhello\r\n0\r\n\r\n",
                          "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
                          "A\r\n0123456789\r\n0\r\n\r\n",
                          "0a\r\n0\r\n\r\n\r\n\r\nx\r\n0\r\n\r\n", /* data that looks like framing */
                          "5;name=value;q=\"a;b\"\r\nhello\r\n0;last\r\n\r\n",
                          "5 ;name\r\nhello\r\n0\r\n\r\n",
                          "0\r\nTrailer: a\r\nOther: b\r\n\r\n",
                          "000000000000000\r\n\r\n"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    expect_end(bodies[i], "");
    expect_end(bodies[i], "HTTP/1.1 200 OK\r\n\r\n");
  }
}

TEST(chunked_waits_for_more) {
  const char *pieces[] = {"", "5", "5\r", "5\r\n", "5\r\nhello", "5\r\nhello\r\n0\r\n", "0\r\nTrailer: a\r\n", "0\r\n\r"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) expect(pieces[i], CHUNKED_MORE, strlen(pieces[i]));
}

TEST(chunked_refuses) {
  const char *bodies[] = {"\r\n",
                          "x\r\n",
                          "-1\r\n",
                          "+1\r\n",
                          " 1\r\n",
                          "0x5\r\n",
                          "5\nhello",
                          "5\r\nhello0\r\n",
                          "5\r\nhello\n0\r\n",
                          "5\r\nhellohello",
                          "5\rhello",
                          "5;a\nhello",
                          "0\r\n\n",
                          "0\r\nTrailer: a\n\r\n",
                          "0\r\n\rx",
                          "0\r\nTrailer: a\rx",
                          "1000000000000000\r\n",
                          "0000000000000000\r\n"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) expect(bodies[i], CHUNKED_ERROR, 0);
}

TEST(chunked_takes_the_largest_size) {
  struct chunked scan = {0};
  size_t used = 0;
  CHECK_EQ(chunked_scan(&scan, (const uint8_t *)"fffffffffffffff\r\nabc", 20, &used), CHUNKED_MORE);
  CHECK_EQ(used, 20);
  CHECK_EQ(scan.left, 0xfffffffffffffffull - 3);
}

TEST(chunked_random_bodies_in_random_pieces) {
  struct prng prng = prng_new(harness_seed(11));
  for (int round = 0; round < 300; round++) {
    char body[4096];
    size_t length = 0;
    for (uint32_t chunks = prng_range(&prng, 0, 5); chunks > 0; chunks--) {
      static const char hex[] = "0123456789abcdef";
      uint32_t size = prng_range(&prng, 1, 255);
      body[length++] = hex[size / 16];
      body[length++] = hex[size % 16];
      memcpy(body + length, "\r\n", 2);
      length += 2;
      for (uint32_t i = 0; i < size; i++) body[length++] = (char)prng_next(&prng);
      memcpy(body + length, "\r\n", 2);
      length += 2;
    }
    memcpy(body + length, "0\r\n\r\n+", 6);
    length += 5;
    struct chunked scan = {0};
    enum chunked_status status = CHUNKED_MORE;
    for (size_t at = 0, used = 0; at < length + 1 && status == CHUNKED_MORE; at += used) {
      size_t piece = prng_range(&prng, 1, 100);
      if (piece > length + 1 - at) piece = length + 1 - at;
      status = chunked_scan(&scan, (const uint8_t *)body + at, piece, &used);
      if (status == CHUNKED_END) CHECK_EQ(at + used, length);
    }
    CHECK_EQ(status, CHUNKED_END);
  }
}
