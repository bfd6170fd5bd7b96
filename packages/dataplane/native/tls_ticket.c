/*
 * Session tickets: sealed with keys that all workers share, so that a client may come back to any of them.
 *
 * The callback is the front context's (OpenSSL asks the context that a handshake began with). The keys are random until
 * the embedder gives some; it rotates them. A ticket of an older key is opened, and replaced; with TLS 1.3 every one is, for
 * a client may use each once only (RFC 8446, appendix C.4).
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "tls_openssl.h"

struct ticket_key {
  uint8_t name[16], cipher[32], mac[32];
};
_Static_assert(sizeof(struct ticket_key) == TLS_TICKET_KEY_BYTES, "keys are given as they lie here");

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct ticket_key keys[TLS_TICKET_KEYS_MAX];
static uint32_t key_count;

bool tls_ticket_keys(const uint8_t *bytes, size_t length) {
  if (length == 0 || length % sizeof *keys != 0 || length > sizeof keys) return false;
  pthread_rwlock_wrlock(&lock);
  OPENSSL_cleanse(keys, sizeof keys);
  memcpy(keys, bytes, length);
  key_count = (uint32_t)(length / sizeof *keys);
  pthread_rwlock_unlock(&lock);
  return true;
}

static bool make_first(void) {
  pthread_rwlock_wrlock(&lock);
  if (key_count == 0 && RAND_bytes((uint8_t *)keys, sizeof *keys) == 1) key_count = 1;
  bool made = key_count > 0;
  pthread_rwlock_unlock(&lock);
  return made;
}

/* The key with this name, or the first when there is no name. Answers its place, -1 for none. */
static int copy_key(const uint8_t *name, struct ticket_key *key) {
  int found = -1;
  pthread_rwlock_rdlock(&lock);
  for (uint32_t i = 0; i < key_count && found < 0; i++) {
    if (name != NULL && memcmp(keys[i].name, name, sizeof keys[i].name) != 0) continue;
    *key = keys[i];
    found = (int)i;
  }
  pthread_rwlock_unlock(&lock);
  return found;
}

static bool begin(const struct ticket_key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal) {
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seal) == 1 &&
         EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's answers: -1 error, 0 no ticket, 1 as it is, 2 opened, and a new one is due. */
int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal) {
  const struct tls *tls = SSL_get_app_data(ssl);
  struct ticket_key key;
  if (seal && tls->verify_error != X509_V_OK) return 0;
  int place = copy_key(seal ? NULL : name, &key);
  if (place < 0 && !seal) return 0;
  if (place < 0 && (!make_first() || (place = copy_key(NULL, &key)) < 0)) return -1;
  if (seal) memcpy(name, key.name, sizeof key.name);
  bool good = (!seal || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1) &&
              begin(&key, iv, cipher, mac, seal);
  OPENSSL_cleanse(&key, sizeof key);
  if (!good) return -1;
  if (seal || (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0) return 1; /* who was verified is verified anew in time */
  return place == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}
