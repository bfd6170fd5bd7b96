/*
 * PEM to OpenSSL: certificate chains with their keys, and authorities.
 *
 * Everything that can be wrong with what an operator gives is told here, in words that name it.
 */
#include <openssl/pem.h>
#include <string.h>

#include "tls_openssl.h"

/* An encrypted key would make OpenSSL ask the terminal. */
static int no_passphrase(char *out, int size, int writing, void *argument) {
  (void)out;
  (void)size;
  (void)writing;
  (void)argument;
  return -1;
}

static BIO *open_pem(const char *pem) { return BIO_new_mem_buf(pem, (int)strlen(pem)); }

/* The next certificate; NULL at the end, or with `*bad` when there is one that cannot be read. */
static X509 *next_certificate(BIO *bio, bool *bad) {
  ERR_clear_error();
  X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
  if (certificate != NULL) return certificate;
  unsigned long code = ERR_peek_last_error();
  bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  *bad = !end;
  if (end) ERR_clear_error();
  return NULL;
}

static STACK_OF(X509) *read_certificates(const char *pem, char *error) {
  STACK_OF(X509) *all = sk_X509_new_null();
  BIO *bio = open_pem(pem);
  bool bad = all == NULL || bio == NULL;
  X509 *certificate = NULL;
  while (!bad && (certificate = next_certificate(bio, &bad)) != NULL) {
    if (sk_X509_push(all, certificate) > 0) continue;
    X509_free(certificate);
    bad = true;
  }
  BIO_free(bio);
  if (!bad && sk_X509_num(all) > 0) return all;
  tls_problem(error, bad ? "a certificate cannot be read" : "there is no certificate (-----BEGIN CERTIFICATE-----)");
  sk_X509_pop_free(all, X509_free);
  return NULL;
}

static EVP_PKEY *read_key(const char *pem, char *error) {
  ERR_clear_error();
  BIO *bio = open_pem(pem);
  EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
  BIO_free(bio);
  if (key != NULL) return key;
  bool encrypted = strstr(pem, "ENCRYPTED") != NULL;
  tls_problem(error, encrypted ? "the private key is encrypted: it must be plain" : "the private key cannot be read");
  return NULL;
}

static bool use(SSL_CTX *ssl, STACK_OF(X509) *chain, EVP_PKEY *key, char *error) {
  X509 *leaf = sk_X509_value(chain, 0);
  ERR_clear_error();
  if (X509_check_private_key(leaf, key) != 1) return tls_problem(error, "the private key is not the certificate's");
  STACK_OF(X509) *rest = sk_X509_dup(chain);
  if (rest != NULL) sk_X509_shift(rest);
  int used = rest != NULL ? SSL_CTX_use_cert_and_key(ssl, leaf, key, rest, 0) : 0;
  sk_X509_free(rest);
  /* Of one type of key the first stands. */
  if (used == 1 || ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NOT_REPLACING_CERTIFICATE) return true;
  return tls_problem(error, "the certificate cannot be used");
}

bool tls_use_certificate(SSL_CTX *ssl, const struct tls_certificate *certificate, char *error) {
  STACK_OF(X509) *chain = read_certificates(certificate->chain, error);
  EVP_PKEY *key = chain != NULL ? read_key(certificate->key, error) : NULL;
  bool used = key != NULL && use(ssl, chain, key, error);
  EVP_PKEY_free(key);
  sk_X509_pop_free(chain, X509_free);
  return used;
}

/* What is trusted need not be a root: an authority in between, or a server's own certificate, is an anchor too. */
static X509_STORE *new_store(void) {
  X509_STORE *store = X509_STORE_new();
  if (store != NULL) X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

static bool trust(X509_STORE *store, STACK_OF(X509_NAME) * names, X509 *authority) {
  if (X509_STORE_add_cert(store, authority) != 1) return false;
  X509_NAME *name = names != NULL ? X509_NAME_dup(X509_get_subject_name(authority)) : NULL;
  if (names == NULL) return true;
  if (name != NULL && sk_X509_NAME_push(names, name) > 0) return true;
  X509_NAME_free(name);
  return false;
}

X509_STORE *tls_read_authorities(const char *pem, STACK_OF(X509_NAME) * *names, char *error) {
  STACK_OF(X509) *all = read_certificates(pem, error);
  if (all == NULL) return NULL;
  X509_STORE *store = new_store();
  if (names != NULL) *names = sk_X509_NAME_new_null();
  bool good = store != NULL && (names == NULL || *names != NULL);
  for (int i = 0; good && i < sk_X509_num(all); i++) {
    good = trust(store, names != NULL ? *names : NULL, sk_X509_value(all, i));
  }
  sk_X509_pop_free(all, X509_free);
  if (good) return store;
  tls_problem(error, "the authorities cannot be used");
  X509_STORE_free(store);
  if (names != NULL) sk_X509_NAME_pop_free(*names, X509_NAME_free);
  return NULL;
}
