#include "daemon/adopt.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "daemon/ledger/ledger.h"
#include "daemon/rows.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMIT_US = 60000000, STOP_MS = 4000 };

static int refuse(const char *text, const char *what)
{
    fprintf(stderr, "dustd: %s%s%s\n", text, what ? ": " : "", what ? what : "");
    return EXIT_FAILED;
}

/* A database that has rows, or that cannot be read, is not ours to begin anew. */
static int check_place(const char *dir)
{
    char why[256] = "";
    char *file = mem_printf("%s/dust.db", dir);
    struct store_copy *copy = NULL;
    struct journal head = {0};
    int code = EXIT_OK;
    if (access(file, F_OK) == 0) {
        int rc = store_copy_open(file, &copy, &head, why, sizeof why);
        if (rc != ERR_OK)
            code =
                refuse("--adopt: the database that is there cannot be read; move it away", *why ? why : file);
        else if (head.seq)
            code = refuse("--adopt: there is a journal with rows already; only a new gateway adopts", file);
        store_copy_close(copy);
    }
    mem_free(file);
    return code;
}

/* The step as it was, and from where it came; a step that has been adopted before keeps its first origin. */
static char *marked(const struct adopted *a, const struct row *step)
{
    size_t length = strlen(step->body);
    json_t *body = json_loadb(step->body, length, JSON_REJECT_DUPLICATES, NULL);
    bool has = json_object_get(body, "adopted");
    json_decref(body);
    char *text = has ? NULL
                     : mem_printf("%.*s,\"adopted\":{\"journal\":\"%s\",\"seq\":%lld}}", (int)length - 1,
                                  step->body, a->head.id, (long long)step->seq);
    if (text && strlen(text) <= LEDGER_STEP_MAX)
        return text;
    mem_free(text);
    return mem_string(step->body);
}

/* The first row: who came before. */
static void origin_row(struct dustd *d, const struct adopted *a, int64_t now_ms)
{
    char hash[65];
    hash_hex(a->head.hash, hash);
    json_t *body = row_begin(d, now_ms, "journal", "");
    json_object_set_new(body, "adopted", json_true());
    json_object_set_new(body, "predecessor",
                        json_pack("{s:s,s:I,s:s,s:s?,s:I,s:I}", "journal", a->head.id, "seq",
                                  (json_int_t)a->head.seq, "hash", hash, "fingerprint",
                                  a->fingerprint[0] ? a->fingerprint : NULL, "signed_seq",
                                  (json_int_t)a->signed_seq, "until", (json_int_t)a->until_ms));
    row_append(d, now_ms, "journal", "", body);
}

/* All steps that make the ledger what it was; one that its old daemon could not apply would not be applied
 * here either. */
static void carry_steps(struct dustd *d, const struct adopted *a)
{
    for (int i = 0; i < a->nsteps; i++) {
        const struct row *step = &a->steps[i];
        char *body = marked(a, step);
        if (ledger_apply(d->ledger, d->head.seq + 1, body) == ERR_OK) {
            row_append_text(d, step->at_ms, "issue", step->subject, body);
            continue;
        }
        log_warning("row %lld is no step of an issue; it is left behind", (long long)step->seq);
        mem_free(body);
    }
}

static void make_rows(struct dustd *d, const struct adopted *a)
{
    int64_t now_ms = clock_site_ms();
    origin_row(d, a, now_ms);
    carry_steps(d, a);
    if (a->until_ms < now_ms)
        row_gap(d, now_ms, a->until_ms, now_ms, "replaced");
    seal_head(d, now_ms);
    row_append(d, now_ms, "stop", "", row_begin(d, now_ms, "stop", ""));
}

/* One transaction with all rows; waits for it. */
static int commit(struct dustd *d)
{
    int64_t until_us = clock_wire_us() + COMMIT_US;
    struct store_message m;
    bool done = false;
    snprintf(d->batch.last_issue, sizeof d->batch.last_issue, "%s", ledger_last_number(d->ledger));
    if (store_start(d->store) != ERR_OK || store_commit(d->store, &d->batch) != ERR_OK)
        return ERR_IO;
    while (!done && !d->store_stuck && clock_wire_us() < until_us) {
        struct pollfd p = {.fd = ring_fd(store_ring(d->store)), .events = POLLIN};
        poll(&p, 1, 100);
        ring_woken(store_ring(d->store));
        while (ring_pop(store_ring(d->store), &m) == ERR_OK) {
            done = done || (m.kind == STORE_COMMITTED && m.seq >= d->head.seq);
            d->store_stuck = d->store_stuck || m.kind == STORE_STUCK || m.kind == STORE_DAMAGED;
            if (m.kind == STORE_STUCK)
                snprintf(d->store_error, sizeof d->store_error, "%s", m.text);
            page_free(m.page);
        }
    }
    return done ? ERR_OK : ERR_IO;
}

static int count_open(const struct ledger *l)
{
    int open = 0;
    for (int i = 0; i < ledger_count(l); i++)
        open += issue_is_open(ledger_at(l, i));
    return open;
}

static int fill(struct dustd *d, const struct adopted *a)
{
    const char *dir = d->config->store.dir;
    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return refuse(dir, strerror(errno));
    int rc = store_open(dir, d->options.simulated, &d->store, &d->opened);
    if (rc != ERR_OK)
        return refuse(dir, err_str(rc));
    if (d->opened.head.seq)
        return refuse("--adopt: there is a journal with rows already", dir);
    d->head = d->opened.head;
    seal_open(d);
    make_rows(d, a);
    if (commit(d) != ERR_OK)
        return refuse("--adopt: nothing is adopted, the disk takes it not",
                      d->store_error[0] ? d->store_error : dir);
    printf("adopted: journal %s up to row %lld, signed up to row %lld with the key %s: compare it\n"
           "%d issues, %d of them open; the new journal is %s, its key %s\n",
           a->head.id, (long long)a->head.seq, (long long)a->signed_seq,
           a->fingerprint[0] ? a->fingerprint : "(none)", ledger_count(d->ledger), count_open(d->ledger),
           d->head.id, d->seal.fingerprint[0] ? d->seal.fingerprint : "(none)");
    return EXIT_OK;
}

static int adopt_into(const struct options *o, struct config *c, const struct adopted *a)
{
    struct dustd d = {.options = *o, .config = c};
    if (a->simulated != o->simulated)
        return refuse("--adopt: the export is of a simulation, or this is one: --simulated must fit",
                      o->adopt);
    if (!clock_is_plausible(false))
        return refuse("--adopt: the clock is not right, set it first", NULL);
    int code = check_place(c->store.dir);
    if (code != EXIT_OK)
        return code;
    d.ledger = ledger_create(c);
    code = fill(&d, a);
    store_stop(d.store, STOP_MS);
    batch_finish(&d.batch);
    seal_close(&d);
    ledger_destroy(d.ledger);
    return code;
}

int adopt_run(const struct options *o, struct config *c)
{
    struct adopted a;
    char why[512];
    FILE *in = fopen(o->adopt, "re");
    if (!in)
        return refuse(o->adopt, strerror(errno));
    int rc = adopted_read(in, o->adopt, &a, why, sizeof why);
    fclose(in);
    int code = rc == ERR_OK ? adopt_into(o, c, &a) : refuse(why, NULL);
    adopted_finish(&a);
    return code;
}
