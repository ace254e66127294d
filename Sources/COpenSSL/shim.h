// OpenSSL 3 for Swift: the headers we use, and inline functions for what OpenSSL offers only as macros.
// A wrapper is named after its macro with the prefix `c`, in lower case.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// The process

// Comes before anything else. Without a cleanup at exit, which frees what threads that end at the same time free as well
// (OPENSSL_init_crypto(3)): the system takes it all back. Without a machine's openssl.cnf, which would change versions and suites under us:
// each context names what it wants.
static inline void copenssl_start(void) { OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, NULL); }

// Randomness

// Deprecated in OpenSSL 3.0 without a replacement that can fall back to the default generator; still honoured by every 3.x.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static inline const RAND_METHOD *crand_openssl(void) { return RAND_OpenSSL(); }
static inline int crand_set_rand_method(const RAND_METHOD *method) { return RAND_set_rand_method(method); }
#pragma GCC diagnostic pop

// Contexts

static inline int cssl_ctx_set_min_proto_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline int cssl_ctx_set_max_proto_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_max_proto_version(context, version);
}
static inline void cssl_ctx_set_session_cache_off(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline int cssl_ctx_add1_chain_cert(SSL_CTX *context, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(context, certificate);
}
static inline int cssl_ctx_set1_groups_list(SSL_CTX *context, const char *list) {
  return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline void cssl_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void cssl_ctx_set_dh_auto(SSL_CTX *context) { SSL_CTX_set_dh_auto(context, 1); }

// SSL_OP_* are macros with a cast, which Swift does not import.
static const uint64_t CSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t CSSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;

// Connections

static inline int cssl_set_tlsext_host_name(SSL *connection, const char *name) {
  return (int)SSL_set_tlsext_host_name(connection, name);
}
static inline int cssl_add1_chain_cert(SSL *connection, X509 *certificate) {
  return (int)SSL_add1_chain_cert(connection, certificate);
}
static inline const char *cssl_get_cipher_name(const SSL *connection) { return SSL_get_cipher_name(connection); }
static inline struct ssl_st *cssl_of_store_context(X509_STORE_CTX *context) {
  return (SSL *)X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
}
static inline int cdtlsv1_get_timeout(SSL *connection, struct timeval *remaining) {
  return (int)DTLSv1_get_timeout(connection, remaining);
}

// Memory BIOs

/// Sets `data` to the bytes written so far; they belong to the BIO. Returns their count.
static inline long cbio_get_mem_data(BIO *bio, const char **data) { return BIO_get_mem_data(bio, (char **)data); }

// Keys and certificates

static inline EVP_PKEY *cevp_ec_gen(const char *curve) { return EVP_EC_gen(curve); }
static inline EVP_PKEY *cevp_rsa_gen(unsigned bits) { return EVP_RSA_gen(bits); }
static inline int cevp_pkey_is_a(const EVP_PKEY *key, const char *name) { return EVP_PKEY_is_a(key, name); }

static inline X509_EXTENSION *cx509v3_ext(X509 *issuer, X509 *subject, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, subject, NULL, NULL, 0);
  return X509V3_EXT_conf_nid(NULL, &context, kind, value);
}

/// Prints the subject as RFC 4514 does, without escaping what is not ASCII.
static inline int cx509_print_subject(BIO *bio, X509 *certificate) {
  return X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}

/// Writes the common name of the subject, at most `capacity` - 1 bytes, and returns its length; -1 when there is none.
static inline int cx509_common_name(X509 *certificate, char *name, int capacity) {
  return X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, capacity);
}

/// Whether a client's certificates, its own first, lead to one of the anchors at a time: `X509_V_OK`, or why not; -1 when memory is short.
static inline int cx509_verify_client(X509_STORE *anchors, X509 **chain, int count, time_t at) {
  int code = -1;
  STACK_OF(X509) *rest = sk_X509_new_null();
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  if (rest != NULL && context != NULL) {
    for (int index = 1; index < count; index++) sk_X509_push(rest, chain[index]);
    if (X509_STORE_CTX_init(context, anchors, chain[0], rest) == 1) {
      X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
      X509_STORE_CTX_set_time(context, 0, at);
      X509_verify_cert(context);
      code = X509_STORE_CTX_get_error(context);
    }
  }
  X509_STORE_CTX_free(context);
  sk_X509_free(rest);
  return code;
}

/// The subject alternative names of a certificate; NULL when it has none. Freed with `cgeneral_names_free`.
static inline GENERAL_NAMES *cx509_alternative_names(const X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int cgeneral_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline void cgeneral_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

/// The entry's kind (`GEN_DNS`, `GEN_URI`, `GEN_IPADD`; -1 for any other) and its bytes, which belong to the list.
static inline int cgeneral_names_get(const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  switch (name->type) {
  case GEN_DNS:
  case GEN_URI:
    *bytes = ASN1_STRING_get0_data(name->d.ia5);
    *count = ASN1_STRING_length(name->d.ia5);
    return name->type;
  case GEN_IPADD:
    *bytes = ASN1_STRING_get0_data(name->d.iPAddress);
    *count = ASN1_STRING_length(name->d.iPAddress);
    return name->type;
  default:
    return -1;
  }
}

// DTLS

static const uint64_t CSSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const uint64_t CSSL_OP_NO_QUERY_MTU = SSL_OP_NO_QUERY_MTU;

/// Returns the MTU; 0 where OpenSSL takes none so small.
static inline long cssl_set_mtu(SSL *connection, long mtu) { return SSL_set_mtu(connection, mtu); }
static inline int cdtlsv1_handle_timeout(SSL *connection) { return (int)DTLSv1_handle_timeout(connection); }
static inline int cssl_get_extms_support(SSL *connection) { return (int)SSL_get_extms_support(connection); }
/// The number of the protection profile that was agreed; 0 = none.
static inline unsigned long cssl_selected_srtp_profile(SSL *connection) {
  SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(connection);
  return profile == NULL ? 0 : profile->id;
}
