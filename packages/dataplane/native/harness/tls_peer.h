/*
 * Peers that speak TLS to the engine: a client with its socket, and a certificate made on the spot.
 */
#ifndef SLUICE_HARNESS_TLS_PEER_H
#define SLUICE_HARNESS_TLS_PEER_H

#include <openssl/ssl.h>

#include "rig.h"

/* Gives the rig's listener a certificate; tls_peer_forget takes it back, before rig_close. */
void tls_peer_listen(struct rig *rig);
void tls_peer_forget(struct rig *rig);
/* Likewise, with protocols of ALPN as they go on the wire. */
void tls_peer_listen_alpn(struct rig *rig, const char *alpn, uint32_t alpn_length);
/* A client whose TLS handshake is done. */
SSL *tls_peer_client(struct rig *rig);
/* Frees it and closes its socket, as it is. */
void tls_peer_free(SSL *peer);
void tls_peer_splice(struct rig *rig, SSL **client, int *backend);
/* 0: nothing now, or the end of the stream with `*ended`. */
size_t tls_peer_read(SSL *peer, void *out, size_t size, bool *ended);
/* Exactly so many bytes; the end, which is one in order. */
void tls_peer_read_all(SSL *peer, char *out, size_t wanted);
void tls_peer_expect_end(SSL *peer);
size_t tls_peer_write(SSL *peer, const void *bytes, size_t length);
/* Streams both ways at once, in pieces of the seed; each byte is what its place says. `other`: where the client's go. */
void tls_peer_exchange(SSL *client, int other, struct prng *prng, size_t bytes, size_t piece_max);

#endif
