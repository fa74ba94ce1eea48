/* The TLS context of one connection attempt, made anew each time so that a renewed certificate needs no
 * restart. Ours and not libmosquitto's, because ours checks the host name as OpenSSL does it (libmosquitto
 * 2.0.11 takes "*.com") and says why a check failed. */
#define ERR_STATE OPENSSL_ERR_STATE /* OpenSSL has a type of the name of one of our codes */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE
#include "daemon/base/credential.h"
#include "daemon/base/err.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/uplink/mqtt_private.h"

#include <arpa/inet.h>
#include <stdio.h>

static int fail(SSL_CTX *tls, struct why *why, const char *what, const char *file)
{
    unsigned long code = ERR_get_error();
    const char *reason = ERR_reason_error_string(code);
    snprintf(why->text, sizeof why->text, "%s %.80s: %s", what, file, reason ? reason : "cannot be used");
    ERR_clear_error();
    SSL_CTX_free(tls);
    return ERR_FORMAT;
}

/* A key with a pass phrase is no key for a daemon; without this OpenSSL would ask on the terminal. */
static int no_pass_phrase(char *text, int size, int writing, void *arg)
{
    (void)writing, (void)arg;
    if (size > 0)
        text[0] = 0;
    return -1;
}

static int expect_host(SSL_CTX *tls, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls);
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(param, host);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0);
}

/* Keeps the reason: the library forgets it when the handshake fails within its own connect. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct why *untrusted = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!ok)
        snprintf(untrusted->text, sizeof untrusted->text, "%s",
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    return ok;
}

int mqtt_tls_open(const struct mqtt_config *c, struct ssl_ctx_st **out, struct why *untrusted,
                  struct why *why)
{
    ERR_clear_error();
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 || expect_host(tls, c->host) != 1)
        return fail(tls, why, "TLS for", c->host);
    SSL_CTX_set_app_data(tls, untrusted);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_default_passwd_cb(tls, no_pass_phrase);
    char file[CREDENTIAL_PATH_MAX];
    if (SSL_CTX_load_verify_file(tls, credential_path(c->ca_file, file)) != 1)
        return fail(tls, why, "CA file", file);
    if (c->cert_file && *c->cert_file) {
        if (SSL_CTX_use_certificate_chain_file(tls, credential_path(c->cert_file, file)) != 1)
            return fail(tls, why, "certificate", file);
        if (SSL_CTX_use_PrivateKey_file(tls, credential_path(c->key_file, file), SSL_FILETYPE_PEM) != 1)
            return fail(tls, why, "key", file);
        if (SSL_CTX_check_private_key(tls) != 1)
            return fail(tls, why, "key and certificate differ:", file);
    }
    *out = tls;
    return ERR_OK;
}

void mqtt_tls_close(struct ssl_ctx_st *tls)
{
    SSL_CTX_free(tls);
}

bool mqtt_tls_shaking(void *ssl)
{
    return ssl && !SSL_is_init_finished(ssl);
}
