#include "daemon/replay/replay.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/dustd.h"
#include "daemon/replay/feed.h"
#include "daemon/replay/found.h"
#include "daemon/replay/recording.h"
#include "daemon/replay/text.h"

#include <stdio.h>
#include <string.h>

struct stream {
    struct recording *source;
    struct recorded head; /* what it says next */
    bool has;
};

struct replay {
    struct recording_site site;
    struct stream *streams;
    int n;
    struct found *found;
    struct feed *feed;
    struct complaint why;
};

static int read_wishes(struct replay *r, const struct options *o)
{
    r->site.wishes = mem_array((size_t)o->nas + 1, sizeof *r->site.wishes);
    for (int i = 0; i < o->nas; i++) {
        char *text = mem_string(o->as[i]);
        int rc = wish_read(r->site.config, text, &r->site.wishes[i], &r->why);
        if (rc != ERR_OK) {
            mem_free(text);
            return rc;
        }
        r->site.nwishes++;
    }
    return ERR_OK;
}

static int next_head(struct replay *r, struct stream *s)
{
    int rc = recording_next(s->source, &s->head, &r->why);
    s->has = rc == ERR_OK;
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static int open_file(struct replay *r, const char *file)
{
    struct recording *sources[RECORDINGS_PER_FILE];
    int n;
    int rc = recording_open(file, &r->site, sources, &n, &r->why);
    for (int i = 0; i < n; i++) {
        r->streams[r->n] = (struct stream){.source = sources[i]};
        feed_pace(r->feed, &sources[i]->columns, sources[i]->step_ms);
        if (i == 0)
            found_recording(r->found, sources[i]);
        r->n++;
    }
    return rc;
}

/* A --as whose column no file has is a mistake that would go unnoticed. */
static int check_wishes(struct replay *r)
{
    for (int i = 0; i < r->site.nwishes; i++)
        if (!r->site.wishes[i].used) {
            snprintf(r->why.text, sizeof r->why.text, "--as %.100s=%.60s: no file has a column \"%.100s\"",
                     r->site.wishes[i].column, r->site.wishes[i].point, r->site.wishes[i].column);
            return ERR_FORMAT;
        }
    return ERR_OK;
}

/* The stream whose next word is the earliest; NULL: all have ended. */
static struct stream *earliest(struct replay *r)
{
    struct stream *first = NULL;
    for (int i = 0; i < r->n; i++)
        if (r->streams[i].has && (!first || r->streams[i].head.at_ms < first->head.at_ms))
            first = &r->streams[i];
    return first;
}

static int run(struct replay *r)
{
    int rc = ERR_OK;
    struct stream *s;
    for (int i = 0; i < r->n && rc == ERR_OK; i++)
        rc = next_head(r, &r->streams[i]);
    while (rc == ERR_OK && (s = earliest(r))) {
        feed_take(r->feed, &s->head);
        rc = next_head(r, s);
    }
    return rc;
}

/* What of a file's lines was passed over. */
static void say_left_out(const struct replay *r)
{
    for (int i = 0; i < r->n; i++) {
        const struct recording *s = r->streams[i].source;
        if (s->left_out)
            fprintf(stderr, "%s:%d: %s: left out, and %lld lines more\n", text_name(s->text),
                    s->first_left_out, s->why_left_out, (long long)s->left_out - 1);
    }
}

static void finish(struct replay *r)
{
    for (int i = 0; i < r->n; i++)
        recording_close(r->streams[i].source);
    for (int i = 0; i < r->site.nwishes; i++)
        mem_free((char *)r->site.wishes[i].column);
    mem_free(r->site.wishes);
    mem_free(r->streams);
    feed_destroy(r->feed);
    found_destroy(r->found);
}

static int complain(const struct replay *r, int code)
{
    fprintf(stderr, "%s\n", r->why.text);
    return code;
}

static int judge_files(struct replay *r, const struct options *o)
{
    int rc = read_wishes(r, o);
    if (rc != ERR_OK)
        return complain(r, EXIT_USAGE);
    for (int i = 0; i < o->nreplay && rc == ERR_OK; i++)
        rc = open_file(r, o->replay[i]);
    if (rc == ERR_OK && check_wishes(r) != ERR_OK)
        return complain(r, EXIT_USAGE);
    if (rc == ERR_OK)
        rc = run(r);
    if (rc != ERR_OK)
        return complain(r, EXIT_FAILED);
    feed_end(r->feed);
    struct feed_counts counts = feed_counted(r->feed);
    found_end(r->found, &counts);
    say_left_out(r);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int replay_run(const struct options *o, struct config *c)
{
    struct replay r = {.site.config = c};
    r.streams = mem_array((size_t)o->nreplay * RECORDINGS_PER_FILE + 1, sizeof *r.streams);
    r.found = found_create(c, o->json, stdout);
    r.feed = feed_create(c, found_hearing(r.found), found_minute);
    int code = judge_files(&r, o);
    finish(&r);
    return code;
}
