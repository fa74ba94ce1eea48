/* One transfer by libcurl, with a limit on everything that a far end could be slow, long or devious with. The
 * connection is made anew each time: alerts are rare, and a renewed certificate or secret needs no restart.
 */
#include "daemon/uplink/alert_private.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/credential.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/uplink/alert.h"
#include "daemon/uplink/curl_calls.h"

#include <stdio.h>
#include <string.h>

enum {
    ANSWER_MOST = 64 * 1024, /* bytes of body and of head lines each */
    SLOWEST_BPS = 10,        /* bytes a second, for as long as: */
    SLOW_S = 10,
    POLL_MS = 1000,
};

/* What one transfer needs; strings that hold secrets are wiped at its end. */
struct transfer {
    const struct curl_calls *curl;
    CURL *easy;
    struct curl_slist *head, *to;
    char *url, *body;
    size_t sent; /* of the body, by a mail */
    struct buf answer;
    size_t head_bytes;
    bool flooded;
    char secret[CREDENTIAL_LINE_MAX], error[CURL_ERROR_SIZE];
};

bool transfer_open(struct alert_uplink *a)
{
    a->curl = curl_calls();
    a->multi = a->curl ? a->curl->multi_init() : NULL;
    return a->multi != NULL;
}

void transfer_close(const struct alert_uplink *a)
{
    a->curl->multi_cleanup(a->multi);
}

void transfer_interrupt(const struct alert_uplink *a)
{
    a->curl->multi_wakeup(a->multi);
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    mem_free(text);
}

/* ---- what libcurl calls ---- */

static size_t take_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    (void)size;
    t->flooded = t->answer.length + n > ANSWER_MOST;
    if (t->flooded)
        return 0; /* ends the transfer */
    buf_add(&t->answer, bytes, n);
    return n;
}

static size_t take_head(const char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    (void)bytes, (void)size;
    t->head_bytes += n;
    t->flooded = t->head_bytes > ANSWER_MOST;
    return t->flooded ? 0 : n;
}

static size_t give_mail(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t left = strlen(t->body + t->sent), most = size * n;
    size_t now = left < most ? left : most;
    memcpy(bytes, t->body + t->sent, now);
    t->sent += now;
    return now;
}

/* ---- limits, the same for all ---- */

static void set_limits(const struct alert_uplink *a, struct transfer *t)
{
    const struct curl_calls *curl = t->curl;
    CURL *e = t->easy;
    curl->easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs is not waited for */
    curl->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, a->timing.connect);
    curl->easy_setopt(e, CURLOPT_TIMEOUT_MS, a->timing.total);
    curl->easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST_BPS);
    curl->easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    curl->easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_setopt(e, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl->easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl->easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    curl->easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl->easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl->easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl->easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* 140 certificates of memory between two alerts */
    curl->easy_setopt(e, CURLOPT_MAXFILESIZE, (long)ANSWER_MOST);
    curl->easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
    curl->easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl->easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head);
    curl->easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl->easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    if (a->config->ca_file[0]) {
        char file[CREDENTIAL_PATH_MAX];
        curl->easy_setopt(e, CURLOPT_CAINFO, credential_path(a->config->ca_file, file));
        curl->easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
}

/* ---- HTTP ---- */

/* A simulated site speaks to this machine only. */
static bool is_loopback(const struct curl_calls *curl, const char *url)
{
    CURLU *parts = curl->url();
    char *host = NULL;
    bool is = curl->url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl->url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              (strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0);
    curl->free(host);
    curl->url_cleanup(parts);
    return is;
}

static int check_url(const struct alert_uplink *a, const char *url, struct robot_reply *said)
{
    bool plain = a->config->kind == CHANNEL_WEBHOOK && strncmp(url, "http://", 7) == 0;
    const char *why = NULL;
    if (!plain && strncmp(url, "https://", 8) != 0)
        why = "the first line of its url_file is no address from https:// (http:// too for a webhook)";
    else if (a->simulated && !is_loopback(a->curl, url))
        why = "a simulated site alerts on loopback only";
    if (why)
        snprintf(said->why, sizeof said->why, "%s", why);
    return why ? ERR_FORMAT : ERR_OK;
}

static int secret_of(const char *file, char line[static CREDENTIAL_LINE_MAX], struct robot_reply *said)
{
    line[0] = 0;
    return file[0] ? credential_line(file, line, said->why, sizeof said->why) : ERR_OK;
}

static int prepare_http(const struct alert_uplink *a, const struct alert_job *job, struct transfer *t,
                        struct robot_reply *said)
{
    const struct curl_calls *curl = t->curl;
    char url[CREDENTIAL_LINE_MAX];
    int64_t now_ms = clock_site_ms();
    int rc = secret_of(a->config->url_file, url, said);
    if (rc == ERR_OK)
        rc = check_url(a, url, said);
    if (rc == ERR_OK)
        rc = secret_of(a->config->secret_file, t->secret, said);
    if (rc != ERR_OK) {
        explicit_bzero(url, sizeof url);
        return rc;
    }
    struct alert_message m = {.subject = job->subject,
                              .text = job->text,
                              .person = job->person,
                              .mobile = job->mobile,
                              .site = a->site,
                              .level = job->level,
                              .rows = job->rows,
                              .nrows = job->nrows,
                              .at_ms = now_ms,
                              .simulated = a->simulated};
    t->url = robot_url(a->config->kind, url, t->secret, now_ms);
    t->body = robot_body(a->config->kind, &m, t->secret);
    explicit_bzero(url, sizeof url);
    t->head = curl->slist_append(NULL, "Content-Type: application/json; charset=utf-8");
    t->head = curl->slist_append(t->head, "Expect:");
    curl->easy_setopt(t->easy, CURLOPT_URL, t->url);
    curl->easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR,
                      a->config->kind == CHANNEL_WEBHOOK ? "https,http" : "https");
    curl->easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt(t->easy, CURLOPT_USERAGENT, "dustd/" DUST_VERSION);
    curl->easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->head);
    curl->easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body);
    return ERR_OK;
}

/* ---- SMTP ---- */

static int prepare_mail(const struct alert_uplink *a, const struct alert_job *job, struct transfer *t,
                        struct robot_reply *said)
{
    const struct curl_calls *curl = t->curl;
    const struct channel_config *c = a->config;
    int rc = secret_of(c->password_file, t->secret, said);
    if (rc != ERR_OK)
        return rc;
    bool v6 = strchr(c->host, ':') != NULL;
    t->url = mem_printf("%s://%s%s%s:%d", c->tls == MAIL_TLS ? "smtps" : "smtp", v6 ? "[" : "", c->host,
                        v6 ? "]" : "", c->port);
    t->body = mail_text(job, a->site, c->from, clock_site_ms());
    t->to = curl->slist_append(NULL, job->email);
    curl->easy_setopt(t->easy, CURLOPT_URL, t->url);
    curl->easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl->easy_setopt(t->easy, CURLOPT_USE_SSL,
                      (long)(c->tls == MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (c->username[0]) {
        curl->easy_setopt(t->easy, CURLOPT_USERNAME, c->username);
        curl->easy_setopt(t->easy, CURLOPT_PASSWORD, t->secret);
    }
    curl->easy_setopt(t->easy, CURLOPT_MAIL_FROM, c->from);
    curl->easy_setopt(t->easy, CURLOPT_MAIL_RCPT, t->to);
    curl->easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl->easy_setopt(t->easy, CURLOPT_READFUNCTION, give_mail);
    curl->easy_setopt(t->easy, CURLOPT_READDATA, t);
    return ERR_OK;
}

/* ---- the transfer ---- */

/* Until it is over or we are to end. */
static CURLcode perform(struct alert_uplink *a, struct transfer *t)
{
    const struct curl_calls *curl = t->curl;
    int running = 1, left;
    CURLcode rc = CURLE_ABORTED_BY_CALLBACK;
    curl->multi_add_handle(a->multi, t->easy);
    while (running && !atomic_load(&a->stop)) {
        if (curl->multi_perform(a->multi, &running) != CURLM_OK)
            break;
        if (running)
            curl->multi_poll(a->multi, NULL, 0, POLL_MS, NULL);
    }
    for (CURLMsg *m; (m = curl->multi_info_read(a->multi, &left));)
        if (m->msg == CURLMSG_DONE)
            rc = m->data.result;
    curl->multi_remove_handle(a->multi, t->easy);
    return rc;
}

/* No answer: why not, in words that hold no address with a key. */
static void no_answer(const struct transfer *t, CURLcode rc, struct robot_reply *said)
{
    said->answer = ALERT_LATER;
    if (t->flooded || rc == CURLE_FILESIZE_EXCEEDED)
        snprintf(said->why, sizeof said->why, "its answer is longer than %d kB", ANSWER_MOST / 1024);
    else
        snprintf(said->why, sizeof said->why, "%.150s",
                 t->error[0] && !strstr(t->error, "://") ? t->error : t->curl->easy_strerror(rc));
}

static void judge_http(const struct alert_uplink *a, struct transfer *t, struct robot_reply *said)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->curl->easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    *said = robot_answer(a->config->kind, status, t->answer.data ? t->answer.data : "", t->answer.length,
                         retry_after_s);
}

/* 5xx: it does not want this one. */
static void judge_mail(struct transfer *t, CURLcode rc, struct robot_reply *said)
{
    long code = 0;
    t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
    said->answer = ALERT_TAKEN;
    if (rc == CURLE_OK)
        return;
    no_answer(t, rc, said);
    if (code >= 500 && code < 600)
        said->answer = ALERT_NEVER;
}

static void finish(struct transfer *t)
{
    t->curl->easy_cleanup(t->easy);
    t->curl->slist_free_all(t->head);
    t->curl->slist_free_all(t->to);
    wipe(t->url);
    mem_free(t->body);
    buf_finish(&t->answer);
    explicit_bzero(t->secret, sizeof t->secret);
}

void alert_transfer(struct alert_uplink *a, const struct alert_job *job, struct robot_reply *said)
{
    bool mail = a->config->kind == CHANNEL_SMTP;
    struct transfer t = {.curl = a->curl, .easy = a->curl->easy_init()};
    said->answer = ALERT_LATER;
    if (!t.easy) {
        snprintf(said->why, sizeof said->why, "libcurl cannot start");
        return;
    }
    set_limits(a, &t);
    if ((mail ? prepare_mail : prepare_http)(a, job, &t, said) == ERR_OK) {
        CURLcode rc = perform(a, &t);
        if (mail)
            judge_mail(&t, rc, said);
        else if (rc == CURLE_OK)
            judge_http(a, &t, said);
        else
            no_answer(&t, rc, said);
    }
    finish(&t);
}
