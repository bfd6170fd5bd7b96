/*
 * What the TLS files share and nobody else sees: OpenSSL's types, a side's TLS, contexts.
 */
#ifndef SLUICE_TLS_OPENSSL_H
#define SLUICE_TLS_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "internal.h"

#define SEALED_BYTES (SCRATCH_BYTES + (4u << 10))
/* What a call may take from the socket beyond the bytes that it has made of it. Records that are empty, of one byte or of
 * new keys alone cost a hundred times what they weigh, and OpenSSL reads on as long as they come. */
#define WIRE_CREDIT 8192

enum tls_end { END_NONE, END_CLOSED, END_CUT, END_ERROR };

struct tls {
  SSL *ssl;
  struct engine *engine;
  struct side *side;
  struct sni_table *table; /* while the client's handshake goes on */
  struct tls_context *context; /* while the backend's handshake goes on */
  const struct tls_context *chosen; /* of the table, and as long as that is there */
  char *server_name;       /* while somebody may ask for it: tls_forget */
  const char *why;         /* a handshake was refused: static words */
  int error;               /* errno of a failed read */
  int send_error;          /* errno of a failed send */
  int verify_error;        /* of the client's certificate: X509_V_…; it is accepted, and answered with a refusal */
  int32_t credit;          /* bytes that this call may still take from the socket */
  uint8_t end;             /* of what the peer sends: enum tls_end */
  bool eof;                /* the socket has ended */
  bool paused;             /* the call has used up its credit: there is more to read */
  bool gathering;          /* records are put together for one send */
  bool failed;             /* nothing more may be said, not even close_notify */
};

struct tls_context {
  _Atomic uint32_t references;
  SSL_CTX *ssl;
  bool server;
  /* of a server: what does not follow by itself when SNI has chosen the context */
  int min_version;
  bool client_auth;
  uint8_t alpn[TLS_ALPN_BYTES];
  uint32_t alpn_length;
  uint8_t session_context[SSL_MAX_SID_CTX_LENGTH];
  /* of a client */
  char *server_name;
  char *names[TLS_NAMES_MAX];
  uint32_t name_count;
  uint8_t ca_digest[32];
};

/* tls_context.c */
struct tls_context *tls_context_new(const SSL_METHOD *method, bool tls13_only, char *error);
struct tls_context *tls_context_hold(uint32_t number, bool server);
void tls_context_drop(struct tls_context *context);
/* Gives it a number, its first reference being the registry's; 0, with the context dropped, when there is no room. */
uint32_t tls_context_register(struct tls_context *context, char *error);
/* The store of an earlier context with the same authorities, held; NULL: none has it. */
X509_STORE *tls_context_store(const uint8_t digest[32]);
/* What went wrong, with OpenSSL's reason behind it. Answers false. */
bool tls_problem(char *error, const char *what);

/* tls_pem.c */
bool tls_use_certificate(SSL_CTX *ssl, const struct tls_certificate *certificate, char *error);
/* A store that trusts these and nothing else; `names` (or NULL) gets their subjects. NULL with what is wrong. */
X509_STORE *tls_read_authorities(const char *pem, STACK_OF(X509_NAME) **names, char *error);

/* tls_ticket.c */
int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal);

/* tls_sni.c */
struct tls_context *sni_find(const struct sni_table *table, const char *name);

/* tls_server.c */
/* The context that every client's handshake begins with; NULL: no memory. */
SSL_CTX *tls_front(void);

/* tls_side.c */
bool tls_side_new(struct engine *engine, struct side *side, SSL_CTX *context);

/* tls_wire.c */
BIO *tls_wire_new(struct tls *tls);
/* Before every call: another connection's error would be taken for this one's. Clearing an empty queue costs more than looking. */
static inline void tls_forget_errors(void) {
  if (ERR_peek_error() != 0) ERR_clear_error();
}
/* Before every call that may read: new credit, and an empty error queue. */
void tls_begin(struct tls *tls);
void tls_gather(struct tls *tls);
void tls_release_gathered(struct tls *tls);

#endif
