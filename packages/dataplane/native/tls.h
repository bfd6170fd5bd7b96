/*
 * TLS of both sides, as the rest of the core sees it: contexts, the choice by server name, a side's reads and writes.
 *
 * The OpenSSL is the one that node exports. Its types stay in tls*.c (tls_openssl.h). A context is immutable once made, so
 * any engine may use it; connections hold what they need of it, whatever becomes of its number.
 */
#ifndef SLUICE_TLS_H
#define SLUICE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TLS_TEXT_BYTES 1536 /* what the embedder is told of a client's TLS */
#define TLS_ERROR_BYTES 320
#define TLS_TICKET_KEY_BYTES 80 /* name 16, AES-256 key 32, HMAC key 32 */
#define TLS_TICKET_KEYS_MAX 4
#define TLS_CERTIFICATES_MAX 16
#define TLS_NAMES_MAX 64
#define SERVER_NAME_MAX 253
#define TLS_ALPN_BYTES 64

struct engine;
struct connection;
struct listener;
struct side;
struct tls;
struct sni_table;
enum send_status { SEND_DONE, SEND_KEPT, SEND_ERROR };

/* PEM, NUL-terminated; chain NULL: none. */
struct tls_certificate {
  char *chain, *key;
};

struct tls_server_options {
  struct tls_certificate certificates[TLS_CERTIFICATES_MAX];
  uint32_t certificate_count;
  bool tls13_only;
  char *ciphers;         /* of TLS 1.2, in OpenSSL's names; "": ours */
  char *client_ca;       /* PEM; "": no client certificate is asked for */
  char *session_context; /* sessions are resumed within an equal one only */
  uint8_t alpn[TLS_ALPN_BYTES]; /* what is spoken, in order of preference, each behind its length */
  uint32_t alpn_length;         /* 0: ALPN is not answered */
};

struct tls_client_options {
  bool verify;       /* false, with no authorities and no names: whose certificate it is, is not asked */
  char *ca;          /* PEM: what the backend's certificate is verified with */
  char *server_name; /* SNI; "": none */
  char *names[TLS_NAMES_MAX]; /* DNS names, addresses or URIs, of which the certificate must have one */
  uint32_t name_count;
  struct tls_certificate certificate;
  bool tls13_only;
};

/* --- tls_context.c, tls_server.c, tls_client.c (any thread) --- */
/* The number of a new context, 0 with what is wrong in `error` (TLS_ERROR_BYTES). */
uint32_t tls_server_context(const struct tls_server_options *options, char *error);
uint32_t tls_client_context(const struct tls_client_options *options, char *error);
/* Nothing new is made from it; connections that have it go on. */
void tls_context_release(uint32_t number);

/* --- tls_ticket.c (any thread) --- */
/* The first key seals new tickets, all of them open old ones. False: not 1 to TLS_TICKET_KEYS_MAX whole keys. */
bool tls_ticket_keys(const uint8_t *keys, size_t length);

/* --- tls_sni.c (any thread) --- */
struct sni_entry {
  char *pattern; /* lower case; "*.example.com" takes any number of labels, "" every client */
  uint32_t context;
};
/* Clients that connect from now on choose among these; without `secure` the listener is plain. False, with what is wrong. */
bool listener_tls(struct listener *listener, const struct sni_entry *entries, uint32_t count, bool secure, char *error);
bool listener_has_tls(const struct listener *listener);
/* Its table, held; NULL: none. */
struct sni_table *sni_hold(const struct listener *listener);
void sni_drop(struct sni_table *table);

/* --- a side (the driving thread) --- */
/* Makes the side one of TLS. False: no memory, or no such context. */
bool tls_accept(struct engine *engine, struct side *side, const struct listener *listener);
bool tls_connect(struct engine *engine, struct side *side, uint32_t context);
enum tls_status { TLS_MORE, TLS_DONE, TLS_FAILED };
enum tls_status tls_handshake(struct engine *engine, struct side *side);
/* Why the handshake failed: the errno (0: TLS itself) and static words, NULL for an errno. */
int tls_failure(const struct side *side, const char **why);
bool tls_resumed(const struct side *side);
/* A client whose certificate was asked for and is not good. */
bool tls_unverified(const struct side *side);
/* Protocol, cipher, server name, the protocol of ALPN, whether the client is verified, what is wrong with its certificate,
 * its subject: a line each. */
uint32_t tls_describe(const struct side *side, char *out, size_t size);
/* What is only needed until the handshake is over. */
void tls_settle(struct side *side);
/* What is only needed to describe a client. */
void tls_forget(struct side *side);

ssize_t tls_receive(struct side *side, uint8_t *bytes, size_t capacity);
ssize_t tls_peek(struct side *side, uint8_t *bytes, size_t capacity);
enum send_status tls_send(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length);
void tls_shut(struct engine *engine, struct side *side);
bool tls_cut(const struct side *side);
void tls_abort(struct side *side);
/* Says close_notify if nothing has been said that forbids it, and frees. */
void tls_close(struct engine *engine, struct side *side);

/* --- tls_run.c: the states of a connection in which a TLS handshake goes on (the driving thread) --- */
void tls_client_begin(struct engine *engine, struct connection *connection);
void tls_client_run(struct engine *engine, struct connection *connection);
void tls_backend_run(struct engine *engine, struct connection *connection);

#endif
