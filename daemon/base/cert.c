#include "daemon/base/cert.h"

#include "daemon/base/err.h"
#include "daemon/base/file.h"
#include "daemon/base/mem.h"

#include <stdbool.h>
#include <time.h>

/* libcrypto has a type of the name of our error code */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#undef ERR_STATE

enum { CERT_FILE_MAX = 1024 * 1024 };

static bool ends(const X509 *cert, int64_t *ends_ms)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
        return false;
    *ends_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

int cert_ends(const char *file, int64_t *ends_ms)
{
    char *pem;
    size_t length;
    int rc = file_read(file, CERT_FILE_MAX, &pem, &length);
    if (rc != ERR_OK)
        return rc;
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    char no_phrase[] = "";
    X509 *cert;
    int64_t first_ms = INT64_MAX, ms;
    while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, no_phrase)) != NULL) {
        if (ends(cert, &ms) && ms < first_ms)
            first_ms = ms;
        X509_free(cert);
    }
    BIO_free(bio);
    mem_free(pem);
    ERR_clear_error(); /* the end of the file is one */
    *ends_ms = first_ms;
    return first_ms == INT64_MAX ? ERR_FORMAT : ERR_OK;
}
