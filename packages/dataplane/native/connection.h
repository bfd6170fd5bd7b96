/*
 * A connection: its states, its two sides, what a handshake needs.
 *
 * It belongs to one engine and is touched by the thread that drives it alone.
 */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "chunked.h"
#include "endings.h"
#include "listeners.h"
#include "tls.h"

enum connection_state {
  STATE_FREE,
  STATE_CLIENT_PROXY, /* the header of the PROXY protocol */
  STATE_CLIENT_TLS, /* the client's TLS handshake */
  STATE_READING_REQUEST,
  STATE_DECIDING,
  STATE_CONNECTING,
  STATE_BACKEND_TLS, /* connecting goes on with the backend's TLS handshake */
  STATE_READING_RESPONSE,
  STATE_DECIDING_RESPONSE,
  STATE_SPLICED,
  STATE_RELAYING,
  STATE_LINGERING,
  STATE_DETACHED, /* the stream path's: see detach.c */
  STATE_BRIDGED,  /* likewise, with TLS: see bridge.c */
  STATE_ENDED,
};

enum first_eof { EOF_NONE, EOF_CLIENT, EOF_BACKEND };

/* Of which the embedder has one end of a socket pair; see bridge.c and inner.c. */
enum pair {
  PAIR_NONE,
  PAIR_BRIDGED,
  PAIR_ATTACHING, /* was bridged: what the embedder has written goes to the client first */
  PAIR_INNER,
};

enum notice { NOTICE_NONE, NOTICE_FAILED, NOTICE_ENDED };

/* One socket of a connection. Edge-triggered: `readable` stays set until a read says that the socket is drained. */
struct side {
  int fd;
  bool readable;
  bool hup; /* RDHUP, HUP or ERR was seen: only a read of 0 or an error ends reading */
  bool reset; /* ERR was seen: there may be bytes in front of it, nothing behind */
  bool eof;
  bool shut; /* writing has been shut down */
  bool writable; /* false from a send that took less until EPOLLOUT */
  bool broken; /* a send has failed: what it sent before that still counts */
  bool wire; /* `readable` of the socket itself: with TLS there may be bytes behind it that have been taken from it */
  uint8_t *pending;
  uint32_t pending_offset, pending_length;
  struct tls *tls; /* NULL: plain */
};

/* What only a connection in handshake needs; freed when it is spliced. */
struct handshake {
  char *out; /* the head for the backend, while it is not sent */
  uint32_t out_length;
  uint8_t *in; /* a head that is not complete, or the bytes behind one */
  uint32_t in_length;
  uint8_t *early; /* client bytes behind its head */
  uint32_t early_length;
  uint8_t stage, code;
  int error;
  const char *why; /* of a TLS handshake that failed: OpenSSL's words, which are static */
  uint64_t connected_us;
  uint32_t answer_timeout_ms;
  uint64_t answer_deadline_ms;
  uint64_t bound_ms; /* when the head of an answer must be there, whatever was tried; 0: no such moment */
};

struct connection {
  uint32_t index, generation;
  uint8_t state, notice, reason, on_ready, on_notices, first_eof, relay_mode, logged, kept_alive, metered, told, pair;
  uint32_t wheel_bucket; /* + 1; 0: not on the wheel */
  uint32_t slot;         /* of its endpoint, UINT32_MAX: none counted */
  uint32_t owner;        /* of a spliced one: its route at its listener, as the embedder numbers them; 0: none */
  struct side client, backend;
  struct connection *wheel_next, *wheel_previous, *ready_next, *notice_next;
  struct listener *listener; /* kept for it */
  struct handshake *handshake;
  char *log;
  uint32_t log_length;
  uint32_t idle_timeout_ms;
  uint64_t bytes_up, bytes_down;
  uint64_t opened_us, connect_us, backend_closed_us, client_active_ms, backend_active_ms;
  uint64_t deadline_ms;  /* of the state; 0: none */
  uint64_t lifetime_ms;  /* moment; 0: none */
  uint64_t ending_ms[ENDING_KINDS]; /* moment that the order with number `ending` has given it; 0: none */
  uint64_t wheel_due_ms; /* when its bucket comes */
  union {
    struct chunked chunked;
    uint64_t relay_left;
    uint64_t linger_left;
  };
  struct in6_addr address;
  uint16_t port;
  uint32_t group; /* metric group: its listener's until it is metered */
  uint32_t ending[ENDING_KINDS];
};

struct handover {
  int fd;
  struct listener *listener; /* kept for it */
  struct in6_addr address;
  uint16_t port;
  uint64_t accepted_us;
};

#endif
