#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"

#include "daemon/base/err.h"

#include <stdio.h>

struct exporter {
    int64_t rows, samples;
};

/* A full disk or a closed pipe ends the export at once. */
static int put_line(const char *text)
{
    return fputs(text, stdout) == EOF || putchar('\n') == EOF ? ERR_CLOSED : ERR_OK;
}

static int put_row(const char *line, void *arg)
{
    struct exporter *e = arg;
    e->rows++;
    return put_line(line);
}

static int put_sample(const char *line, void *arg)
{
    struct exporter *e = arg;
    e->samples++;
    return put_line(line);
}

static void put_first_line(const struct source *s, const struct span *span)
{
    const struct source_about *about = source_about(s);
    char hash[65];
    hash_hex(about->head.hash, hash);
    json_t *first = json_pack("{s:i, s:s, s:{s:I, s:s}, s:O?, s:b}", "export", 1, "journal", about->head.id,
                              "head", "seq", (json_int_t)about->head.seq, "hash", hash, "site", about->site,
                              "simulated", about->simulated);
    if (about->key[0]) {
        json_object_set_new(first, "key", json_string(about->key));
        json_object_set_new(first, "fingerprint", json_string(about->fingerprint));
    }
    if (span->from_ms != INT64_MIN)
        json_object_set_new(first, "from", json_integer(span->from_ms));
    if (span->to_ms != INT64_MAX)
        json_object_set_new(first, "to", json_integer(span->to_ms));
    print_json(first);
    json_decref(first);
}

static int export_all(const struct ctl *c, struct source *s, const struct span *span)
{
    struct exporter e = {0};
    int rc = ERR_OK;
    put_first_line(s, span);
    if (!c->samples)
        rc = source_row_lines(s, span, put_row, &e);
    if (rc == ERR_OK && !c->rows)
        rc = source_samples(s, span, put_sample, &e);
    if (rc == ERR_OK)
        printf("{\"end\":true,\"rows\":%lld,\"samples\":%lld}\n", (long long)e.rows, (long long)e.samples);
    return rc == ERR_OK ? EXIT_OK : EXIT_FAILED;
}

int verb_export(struct ctl *c)
{
    struct span span = {"", 0, INT64_MIN, INT64_MAX};
    struct source *s = NULL;
    if (c->rows && c->samples) {
        complain("%s", say(c, "--rows 与 --samples 只能选一个；都不写则全部导出",
                           "--rows or --samples, not both; without either both are exported"));
        return EXIT_USAGE;
    }
    if (source_open(c, &s) != ERR_OK)
        return EXIT_FAILED;
    int rc = source_range(c, s, &span);
    if (rc == EXIT_OK)
        rc = export_all(c, s, &span);
    source_close(s);
    return rc;
}
