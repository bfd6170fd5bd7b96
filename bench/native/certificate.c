/* Makes the certificate of a run: self-signed, ECDSA on P-256 or RSA with 2048 bits, good for a day, with the name that the
 * load asks for. Usage: certificate ecdsa|rsa; prints the certificate and the key, both PEM. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static int name_it(X509 *certificate) {
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:bench.example.com");
  int named = names != NULL &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench.example.com", -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate, name) == 1 && X509_add_ext(certificate, names, -1) == 1;
  X509_EXTENSION_free(names);
  return named;
}

int main(int argc, char **argv) {
  if (argc != 2 || (strcmp(argv[1], "ecdsa") != 0 && strcmp(argv[1], "rsa") != 0)) {
    fputs("usage: certificate ecdsa|rsa\n", stderr);
    return 2;
  }
  EVP_PKEY *key = strcmp(argv[1], "rsa") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  int made = key != NULL && certificate != NULL && X509_set_version(certificate, 2) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) != NULL && X509_set_pubkey(certificate, key) == 1 &&
             name_it(certificate) && X509_sign(certificate, key, EVP_sha256()) > 0 &&
             PEM_write_X509(stdout, certificate) == 1 && PEM_write_PrivateKey(stdout, key, NULL, NULL, 0, NULL, NULL) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made ? 0 : 1;
}
