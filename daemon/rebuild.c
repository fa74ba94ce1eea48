#include "daemon/rebuild.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "daemon/ledger/ledger.h"
#include "daemon/store/journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct rebuilding {
    const struct config *config;
    struct ledger *ledger;
    int64_t steps, refused, last_ms;
    int photos, wrong;
};

static int take_page(struct rebuilding *r, const struct page *page)
{
    for (int i = 0; i < page->nrows; i++) {
        const struct row *row = &page->rows[i];
        r->last_ms = row->at_ms > r->last_ms ? row->at_ms : r->last_ms;
        if (row->body && ledger_apply(r->ledger, row->seq, row->body) == ERR_OK) {
            r->steps++;
            continue;
        }
        r->refused++;
        fprintf(stderr, "dustd: row %lld is no step of an issue\n", (long long)row->seq);
    }
    return page->error;
}

static int take_rows(struct rebuilding *r, struct store_copy *copy)
{
    struct question q = {.kind = "issue", .to_ms = INT64_MAX};
    int rc = ERR_OK;
    do {
        struct page *page = store_copy_ask(copy, &q);
        rc = take_page(r, page);
        q.after = page->next;
        page_free(page);
    } while (rc == ERR_OK && q.after);
    return rc;
}

/* --- photos --- */

static char *read_all(const char *path, size_t *length)
{
    struct stat s;
    FILE *in = fopen(path, "re");
    if (!in)
        return NULL;
    char *data = NULL;
    if (fstat(fileno(in), &s) == 0 && S_ISREG(s.st_mode)) {
        data = mem_array((size_t)s.st_size + 1, 1);
        *length = fread(data, 1, (size_t)s.st_size, in);
    }
    fclose(in);
    return data;
}

static void check_photo(struct rebuilding *r, const struct issue *i, const char *text)
{
    json_t *photo = json_loads(text, 0, NULL);
    const char *sha256 = json_string_value(json_object_get(photo, "sha256"));
    char *path = mem_printf("%s/photos/%s.%s", r->config->store.dir, sha256,
                            json_string_value(json_object_get(photo, "type")));
    uint8_t hash[HASH_SIZE];
    char hex[65] = "";
    size_t length = 0;
    char *data = read_all(path, &length);
    if (data) {
        hash_bytes(data, length, hash);
        hash_hex(hash, hex);
    }
    r->photos++;
    if (strcmp(hex, sha256) != 0) {
        r->wrong++;
        fprintf(stderr, "dustd: %s: photo %s %s\n", i->id, sha256,
                data ? "has been changed" : "is not there");
    }
    mem_free(data);
    mem_free(path);
    json_decref(photo);
}

/* --- the whole --- */

static void print(struct rebuilding *r, bool json)
{
    int open = 0;
    for (int i = 0; i < ledger_count(r->ledger); i++) {
        const struct issue *issue = ledger_at(r->ledger, i);
        open += issue_is_open(issue);
        for (int k = 0; k < issue->nphotos; k++)
            check_photo(r, issue, issue->photos[k]);
        if (!json)
            continue;
        json_t *shown = issue_json(issue, r->last_ms);
        json_dumpf(shown, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(shown);
    }
    if (!json)
        printf("%d issues, %d of them open, made anew from %lld steps; %lld rows are none; the last number "
               "is %s; "
               "%d photos, %d of them missing or changed\n",
               ledger_count(r->ledger), open, (long long)r->steps, (long long)r->refused,
               ledger_count(r->ledger) ? ledger_last_number(r->ledger) : "none", r->photos, r->wrong);
}

int rebuild_run(const struct options *o, const struct config *c)
{
    char why[256] = "";
    char *file = mem_printf("%s/dust.db", c->store.dir);
    struct store_copy *copy = NULL;
    struct journal head = {0};
    int rc = store_copy_open(file, &copy, &head, why, sizeof why);
    struct rebuilding r = {.config = c, .ledger = ledger_create(c)};
    if (rc == ERR_OK)
        rc = take_rows(&r, copy);
    if (rc == ERR_OK)
        print(&r, o->json);
    else
        fprintf(stderr, "dustd: %s: %s\n", file, *why ? why : err_str(rc));
    store_copy_close(copy);
    ledger_destroy(r.ledger);
    mem_free(file);
    return rc == ERR_OK && !r.refused && !r.wrong ? EXIT_OK : EXIT_FAILED;
}
