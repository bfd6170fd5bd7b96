/*
 * The PROXY protocol (haproxy, doc/proxy-protocol.txt), versions 1 and 2: the header in which a balancer in front of the
 * gateway says whose connection this is.
 *
 * The parser is pure: it takes the first bytes of a connection and keeps nothing, so more of them are simply asked about
 * again. Which peers have to send a header is a table of sources that belongs to the listener; others are plain clients.
 */
#ifndef SLUICE_PROXY_H
#define SLUICE_PROXY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_V1_BYTES_MAX 107u
#define PROXY_BYTES_MAX 4096u /* of version 2, addresses and TLVs included */
#define PROXY_SOURCES_MAX 256

struct connection;
struct engine;
struct listener;

enum proxy_status { PROXY_MORE, PROXY_DONE, PROXY_MALFORMED };

struct proxy_header {
  uint32_t length; /* of the header: what is behind it is the client's */
  bool named;      /* it names a client; else (LOCAL, UNKNOWN, another family than TCP's) the socket's own address stands */
  struct in6_addr address; /* IPv4: mapped */
  uint16_t port;
  const char *why; /* what is wrong with one that is malformed: static words */
};

/* What the first `length` bytes of a connection say. The answer to a whole or malformed header does not depend on what
 * follows. */
enum proxy_status proxy_parse(const uint8_t *bytes, size_t length, struct proxy_header *header);

/* Addresses of which the first `prefix` bits are these; IPv4: mapped, with a prefix of 96 to 128. */
struct proxy_source {
  struct in6_addr address;
  uint32_t prefix;
};
/* Whether a connection from this address has to begin with a header. IPv4 is only in sources that are IPv4. */
bool proxy_expected(const struct listener *listener, const struct in6_addr *address);

/* --- proxy_run.c: the state of a connection whose header is awaited (the driving thread) --- */
void proxy_begin(struct engine *engine, struct connection *connection);
void proxy_run(struct engine *engine, struct connection *connection);

#endif
