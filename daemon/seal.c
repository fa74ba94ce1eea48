#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE "gateway.key"

enum { EVERY_MS = 10 * CLOCK_MINUTE_MS, KEY_FILE_MAX = 4096 };

/* ERR_NOT_FOUND: no such file; otherwise an error is in why_not. */
static int read_key(struct seal *s, const char *path)
{
    char *pem;
    size_t length;
    int rc = file_read(path, KEY_FILE_MAX, &pem, &length);
    if (rc == ERR_NOT_FOUND)
        return rc;
    if (rc == ERR_OK) {
        s->signer = signer_read(pem);
        explicit_bzero(pem, length);
        mem_free(pem);
        rc = s->signer ? ERR_OK : ERR_FORMAT;
    }
    if (rc == ERR_IO)
        snprintf(s->why_not, sizeof s->why_not, "%.120s: %.60s", path, strerror(errno));
    else if (rc != ERR_OK)
        snprintf(s->why_not, sizeof s->why_not, "%.120s: no Ed25519 key as PEM without a pass phrase in it",
                 path);
    return rc;
}

static void make_key(struct seal *s, const char *path)
{
    struct signer *signer = signer_make();
    char *pem = signer ? signer_print(signer) : NULL;
    int rc = pem ? file_replace(path, pem, strlen(pem), 0600) : ERR_STATE;
    if (rc == ERR_OK) {
        s->signer = signer;
        s->made = true;
    } else {
        snprintf(s->why_not, sizeof s->why_not, "%.120s: %.60s", path,
                 rc == ERR_IO ? strerror(errno) : "libsodium makes no key");
        signer_free(signer);
    }
    if (pem)
        explicit_bzero(pem, strlen(pem));
    mem_free(pem);
}

static void note_before(const struct row *row, void *arg)
{
    struct seal *s = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const char *fingerprint = json_string_value(json_object_get(body, "fingerprint"));
    if (fingerprint)
        snprintf(s->before, sizeof s->before, "%s", fingerprint);
    json_decref(body);
}

/* Also later, when it could not be had at start: a full disk gets room again. */
static void load_key(struct dustd *d)
{
    struct seal *s = &d->seal;
    char said[sizeof s->why_not];
    memcpy(said, s->why_not, sizeof said);
    const char *given = getenv("CREDENTIALS_DIRECTORY");
    char *path = mem_printf("%s/" KEY_FILE, given ? given : "");
    int rc = given ? read_key(s, path) : ERR_NOT_FOUND;
    if (rc == ERR_NOT_FOUND) {
        mem_free(path);
        path = mem_printf("%s/" KEY_FILE, d->config->store.dir);
        rc = read_key(s, path);
    }
    if (rc == ERR_NOT_FOUND)
        make_key(s, path);
    mem_free(path);
    if (s->signer) {
        sign_fingerprint(signer_public(s->signer), s->fingerprint);
        log_info("the gateway's key%s: %s", s->made ? " is new" : "", s->fingerprint);
    } else if (strcmp(said, s->why_not) != 0) {
        log_error("the journal's head is not signed: %s", s->why_not);
    }
}

void seal_open(struct dustd *d)
{
    load_key(d);
    store_scan_rows(d->store, "boot", INT64_MIN, note_before, &d->seal);
    d->seal.window_ms = INT64_MIN;
}

void seal_key(const struct dustd *d, json_t *body)
{
    char hex[2 * SIGN_KEY_SIZE + 1];
    if (!d->seal.signer)
        return;
    hex_print(signer_public(d->seal.signer), SIGN_KEY_SIZE, hex);
    json_object_set_new(body, "key", json_string(hex));
    json_object_set_new(body, "fingerprint", json_string(d->seal.fingerprint));
}

void seal_changed(struct dustd *d, int64_t now_ms)
{
    struct seal *s = &d->seal;
    if (!s->before[0] || strcmp(s->before, s->fingerprint) == 0)
        return;
    const char *why = !s->signer ? "unreadable" : s->made ? "lost" : "replaced";
    log_warning("the gateway's key was %s until the last run: %s", s->before, why);
    json_t *body = row_begin(d, now_ms, "key", "");
    json_object_set_new(body, "why", json_string(why));
    json_object_set_new(body, "old", json_string(s->before));
    json_object_set_new(body, "new", s->signer ? json_string(s->fingerprint) : json_null());
    row_append(d, now_ms, "key", "", body);
    if (s->signer)
        memcpy(s->before, s->fingerprint, sizeof s->before);
}

void seal_head(struct dustd *d, int64_t now_ms)
{
    struct seal *s = &d->seal;
    s->window_ms = clock_window_start(d->minute_ms, EVERY_MS, d->config->site.zone_min);
    if (d->head.seq == 0 || d->hold.undated)
        return;
    if (!s->signer) {
        load_key(d);
        if (!s->signer)
            return;
        seal_changed(d, now_ms);
    }
    struct signed_head head = {.head = d->head, .at_ms = now_ms, .simulated = d->options.simulated};
    if (head_sign(&head, s->signer) != ERR_OK) {
        log_error("the head of the journal cannot be signed: libsodium fails");
        return;
    }
    json_t *body = row_begin(d, now_ms, "head", "");
    head_print(&head, body);
    s->last = head;
    s->seq = row_append(d, now_ms, "head", "", body);
    s->told = s->seq == 0; /* no room for its row: nothing to tell */
}

/* By the running minute, so that a head at midnight covers the day's own rows. */
void seal_turn(struct dustd *d, int64_t now_ms)
{
    if (d->hold.late) /* its minutes are of the past; they are covered when all are told */
        return;
    if (clock_window_start(d->minute_ms, EVERY_MS, d->config->site.zone_min) != d->seal.window_ms)
        seal_head(d, now_ms);
}

json_t *seal_json(const struct dustd *d)
{
    const struct seal *s = &d->seal;
    if (!s->seq || s->seq > d->committed)
        return NULL;
    json_t *body = json_pack("{s:s,s:I}", "journal", s->last.head.id, "ts", (json_int_t)s->last.at_ms);
    head_print(&s->last, body);
    json_object_set_new(body, "fingerprint", json_string(s->fingerprint));
    if (s->last.simulated)
        json_object_set_new(body, "simulated", json_true());
    return body;
}

void seal_close(struct dustd *d)
{
    signer_free(d->seal.signer);
    d->seal.signer = NULL;
}
