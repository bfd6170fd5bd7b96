/* The header of the PROXY protocol, and who has to send one; see proxy.h. Strict where the document asks for it. */
#include "proxy.h"

#include <arpa/inet.h>
#include <string.h>

#include "listeners.h"

#define V2_HEAD_BYTES 16
#define V4_BLOCK_BYTES 12
#define V6_BLOCK_BYTES 36

static const uint8_t v1_start[] = "PROXY ";
static const uint8_t v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static enum proxy_status malformed(struct proxy_header *header, const char *why) {
  header->why = why;
  return PROXY_MALFORMED;
}

static void name_v4(struct proxy_header *header, const void *address, uint16_t port) {
  memcpy(header->address.s6_addr, mapped, sizeof mapped);
  memcpy(header->address.s6_addr + 12, address, 4);
  header->port = port;
  header->named = true;
}

/* Up to a space, or to the end of the line for the last; NULL: there is none, it is too long, or no text. */
static const char *take_word(const char **at, const char *end, char *word, size_t size) {
  const char *stop = memchr(*at, ' ', (size_t)(end - *at));
  if (stop == NULL) stop = end;
  size_t length = (size_t)(stop - *at);
  if (length == 0 || length >= size || memchr(*at, 0, length) != NULL) return NULL;
  memcpy(word, *at, length);
  word[length] = 0;
  *at = stop < end ? stop + 1 : stop;
  return word;
}

/* Decimal, 0 to 65535, without heading zeroes; -1: something else. */
static int32_t read_port(const char *word) {
  int32_t port = 0;
  if (word == NULL || (word[0] == '0' && word[1] != 0)) return -1;
  for (; *word >= '0' && *word <= '9'; word++) {
    port = port * 10 + (*word - '0');
    if (port > 65535) return -1;
  }
  return *word == 0 ? port : -1;
}

/* " ADDRESS ADDRESS PORT PORT" of the family, exactly. */
static bool read_v1_addresses(struct proxy_header *header, const char *at, const char *end, int family) {
  char word[INET6_ADDRSTRLEN];
  struct in6_addr source, target;
  for (int i = 0; i < 2; i++) {
    const char *text = take_word(&at, end, word, sizeof word);
    if (text == NULL || inet_pton(family, text, i == 0 ? &source : &target) != 1) return false;
  }
  int32_t port = read_port(take_word(&at, end, word, sizeof word));
  if (port < 0 || end[-1] == ' ' || read_port(take_word(&at, end, word, sizeof word)) < 0 || at != end) return false;
  if (family == AF_INET) {
    name_v4(header, &source, (uint16_t)port);
  } else {
    header->address = source;
    header->port = (uint16_t)port;
    header->named = true;
  }
  return true;
}

static bool starts_with(const char *at, const char *end, const char *text) {
  size_t length = strlen(text);
  return (size_t)(end - at) >= length && memcmp(at, text, length) == 0;
}

/* A whole line, without its end. */
static enum proxy_status read_v1_line(struct proxy_header *header, const char *at, const char *end) {
  at += sizeof v1_start - 1;
  bool is_v4 = starts_with(at, end, "TCP4 ");
  if (is_v4 || starts_with(at, end, "TCP6 ")) {
    bool good = read_v1_addresses(header, at + 5, end, is_v4 ? AF_INET : AF_INET6);
    return good ? PROXY_DONE : malformed(header, "version 1: addresses or ports");
  }
  bool unknown = starts_with(at, end, "UNKNOWN") && (at + 7 == end || at[7] == ' ');
  return unknown ? PROXY_DONE : malformed(header, "version 1: neither TCP4 nor TCP6 nor UNKNOWN");
}

static enum proxy_status parse_v1(const uint8_t *bytes, size_t length, struct proxy_header *header) {
  for (size_t i = 0; i < length && i < PROXY_V1_BYTES_MAX; i++) {
    if (bytes[i] == '\n') return malformed(header, "version 1: a line that does not end with CR LF");
    if (bytes[i] != '\r') continue;
    if (i + 1 >= PROXY_V1_BYTES_MAX) break;
    if (i + 1 == length) return PROXY_MORE;
    if (bytes[i + 1] != '\n') return malformed(header, "version 1: a line that does not end with CR LF");
    header->length = (uint32_t)i + 2;
    return read_v1_line(header, (const char *)bytes, (const char *)bytes + i);
  }
  return length < PROXY_V1_BYTES_MAX ? PROXY_MORE : malformed(header, "version 1: longer than 107 bytes");
}

/* Version and command, then family and transport: what no sender may say. */
static const char *check_v2(const uint8_t *bytes, size_t length) {
  if (length > 12 && bytes[12] >> 4 != 2) return "version 2: another version";
  if (length > 12 && (bytes[12] & 15) > 1) return "version 2: unknown command";
  if (length < V2_HEAD_BYTES || (bytes[12] & 15) == 0) return NULL; /* LOCAL: the family is to be ignored */
  if (bytes[13] >> 4 > 3 || (bytes[13] & 15) > 2) return "version 2: unknown address family or transport";
  uint32_t block = (uint32_t)bytes[14] << 8 | bytes[15];
  bool cut = (bytes[13] == 0x11 && block < V4_BLOCK_BYTES) || (bytes[13] == 0x21 && block < V6_BLOCK_BYTES);
  return cut ? "version 2: too short for its addresses" : NULL;
}

static enum proxy_status parse_v2(const uint8_t *bytes, size_t length, struct proxy_header *header) {
  const char *why = check_v2(bytes, length);
  if (why != NULL) return malformed(header, why);
  if (length < V2_HEAD_BYTES) return PROXY_MORE;
  header->length = V2_HEAD_BYTES + ((uint32_t)bytes[14] << 8 | bytes[15]);
  if (header->length > PROXY_BYTES_MAX) return malformed(header, "version 2: longer than 4096 bytes");
  if (length < header->length) return PROXY_MORE;
  bool local = (bytes[12] & 15) == 0;
  const uint8_t *block = bytes + V2_HEAD_BYTES;
  if (!local && bytes[13] == 0x11) {
    name_v4(header, block, (uint16_t)(block[8] << 8 | block[9]));
  } else if (!local && bytes[13] == 0x21) {
    memcpy(header->address.s6_addr, block, 16);
    header->port = (uint16_t)(block[32] << 8 | block[33]);
    header->named = true;
  }
  return PROXY_DONE;
}

static bool begins(const uint8_t *bytes, size_t length, const uint8_t *start, size_t start_length) {
  return memcmp(bytes, start, length < start_length ? length : start_length) == 0;
}

enum proxy_status proxy_parse(const uint8_t *bytes, size_t length, struct proxy_header *header) {
  *header = (struct proxy_header){0};
  if (length == 0) return PROXY_MORE;
  if (begins(bytes, length, v1_start, sizeof v1_start - 1)) return parse_v1(bytes, length, header);
  if (begins(bytes, length, v2_signature, sizeof v2_signature)) return parse_v2(bytes, length, header);
  return malformed(header, "no PROXY header");
}

static bool is_within(const struct proxy_source *source, const struct in6_addr *address) {
  const uint8_t *a = source->address.s6_addr, *b = address->s6_addr;
  uint32_t whole = source->prefix / 8, rest = source->prefix % 8;
  if (memcmp(a, b, whole) != 0) return false;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool proxy_expected(const struct listener *listener, const struct in6_addr *address) {
  bool is_v4 = IN6_IS_ADDR_V4MAPPED(address);
  for (uint32_t i = 0; i < listener->proxy_count; i++) {
    const struct proxy_source *source = &listener->proxy_sources[i];
    bool source_is_v4 = source->prefix >= 96 && IN6_IS_ADDR_V4MAPPED(&source->address);
    if (is_v4 == source_is_v4 && is_within(source, address)) return true;
  }
  return false;
}
