#include "daemon/casework.h"

#include "daemon/acting.h"
#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/control.h"
#include "daemon/dustd.h"
#include "daemon/ledger/filter.h"
#include "daemon/ledger/ledger.h"
#include "daemon/photo.h"
#include "daemon/photo_parts.h"
#include "daemon/rows.h"

#include <string.h>
#include <unistd.h>

/* --- looking --- */

enum { PAGE_BRIEF = 1000, PAGE_WHOLE = 500 }; /* issues of at most LEDGER_ISSUE_MAX in CONTROL_WAITING_MAX */

/* After which one the page begins; 0 without "after", -1: there is no such issue. */
static int first_of(const struct ledger *l, const char *after)
{
    int i = 0;
    while (after && i < ledger_count(l) && strcmp(ledger_at(l, i)->id, after) != 0)
        i++;
    return !after ? 0 : i < ledger_count(l) ? i + 1 : -1;
}

static int page_size(json_t *request, bool brief)
{
    const json_t *limit = json_object_get(request, "limit");
    json_int_t most = brief ? PAGE_BRIEF : PAGE_WHOLE, n = limit ? json_integer_value(limit) : most;
    return (int)(n < 1 ? 1 : n > most ? most : n);
}

/* What of the list goes to whom: a data line each, or a list in the final line. */
struct listing {
    struct dustd *d;
    uint64_t client;
    json_t *list; /* NULL: lines */
    struct buf line;
    bool brief;
    int64_t now_ms;
};

static void list_issue(struct listing *to, const struct issue *issue)
{
    buf_clear(&to->line);
    issue_print(issue, to->now_ms, to->brief, &to->line);
    if (to->list)
        json_array_append_new(to->list, json_loadb(to->line.data, to->line.length, 0, NULL));
    else
        control_line(to->d->control, to->client, to->line.data);
}

/* A page of those that the filter takes, from the first one on; after which the next begins, "" when there is
 * none. */
static const char *list_page(struct listing *to, const struct issue_filter *filter, int first, int most)
{
    const char *last = "";
    int n = 0;
    for (int i = first; i < ledger_count(to->d->ledger); i++) {
        const struct issue *issue = ledger_at(to->d->ledger, i);
        if (!filter_takes(filter, issue, to->now_ms))
            continue;
        if (n++ == most)
            return last;
        list_issue(to, issue);
        last = issue->id;
    }
    return "";
}

void issues_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid;
    char why[200];
    struct issue_filter filter;
    bool lines = json_is_true(json_object_get(request, "lines"));
    struct listing to = {.d = d, .client = client, .now_ms = clock_site_ms()};
    int first = first_of(d->ledger, json_string_value(json_object_get(request, "after")));
    if (first < 0) {
        verb_fail(d, client, "no such issue");
        return;
    }
    if (filter_read(request, &filter, why, sizeof why) != ERR_OK) {
        verb_fail(d, client, why);
        return;
    }
    to.brief = json_is_true(json_object_get(request, "brief"));
    to.list = lines ? NULL : json_array();
    const char *next = list_page(&to, &filter, first, page_size(request, to.brief));
    control_finish(d->control, client,
                   json_pack("{s:b,s:s,s:i,s:o*,s:s}", "ok", 1, "language", d->config->language, "zone_min",
                             d->config->site.zone_min, "result", to.list, "next", next));
    buf_finish(&to.line);
}

void issue_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid;
    const char *id = json_string_value(json_object_get(request, "id"));
    const struct issue *issue = id ? ledger_issue(d->ledger, id) : NULL;
    if (issue)
        verb_answer(d, client, issue_json(issue, clock_site_ms()));
    else
        verb_fail(d, client, "no such issue");
}

/* --- acting --- */

void casework_write(struct dustd *d, uint64_t client, const char *who, int64_t now_ms, const char *issue,
                    char *body)
{
    char id[32];
    snprintf(id, sizeof id, "%s", issue);
    int64_t seq = row_step(d, now_ms, id, body);
    if (seq)
        verb_waits(d, client, who, seq, id);
    else
        verb_fail(d, client,
                  "the disk takes nothing, and nothing more can be kept: try again when it has room");
}

static bool undated(struct dustd *d, uint64_t client)
{
    if (d->hold.undated)
        verb_fail(d, client, "the clock of this machine is not right yet: a step would have no date");
    return d->hold.undated;
}

/* What came of a step that was tried. */
static void finish(struct dustd *d, uint64_t client, int rc, struct attempt *attempt)
{
    if (rc == ERR_DENIED)
        verb_deny(d, client, attempt);
    else
        verb_fail(d, client, *attempt->why ? attempt->why : "refused");
}

/* Of a limit: how many windows were kept until now. */
static int windows_kept(const struct dustd *d, const char *id)
{
    const struct issue *i = ledger_issue(d->ledger, id);
    return i ? clean_count(&d->clean, i->subject, i->cause) : 0;
}

void act_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    struct act a = {.issue = json_string_value(json_object_get(request, "issue")),
                    .text = json_string_value(json_object_get(request, "text")),
                    .person = json_string_value(json_object_get(request, "person")),
                    .due_ms = json_integer_value(json_object_get(request, "due"))};
    const char *as = json_string_value(json_object_get(request, "as"));
    char why[400] = "", did[32], *body = NULL;
    if (!a.issue || !verb || verb_parse(verb, &a.verb) != ERR_OK) {
        verb_fail(d, client, "needs \"issue\" and a known \"verb\"");
        return;
    }
    snprintf(did, sizeof did, "act %s", verb);
    struct attempt attempt = {.uid = uid, .did = did, .about = a.issue};
    a.by = verb_person(d, client, &attempt, as, &a.as_root);
    if (!a.by || undated(d, client))
        return;
    int64_t now_ms = clock_site_ms();
    a.clean_windows = windows_kept(d, a.issue);
    int rc = ledger_act(d->ledger, now_ms, &a, &body, why, sizeof why);
    attempt.why = why;
    if (rc == ERR_OK)
        casework_write(d, client, a.by->name, now_ms, a.issue, body);
    else
        finish(d, client, rc, &attempt);
}

void open_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    struct report r = {.category = json_string_value(json_object_get(request, "category")),
                       .place = json_string_value(json_object_get(request, "place")),
                       .way = json_string_value(json_object_get(request, "way")),
                       .text = json_string_value(json_object_get(request, "text")),
                       .person = json_string_value(json_object_get(request, "person")),
                       .level = json_string_value(json_object_get(request, "level"))};
    char why[LEDGER_WHY_SIZE] = "", id[32], *body = NULL;
    struct attempt attempt = {.uid = uid, .did = "open", .about = r.category ? r.category : ""};
    r.by = verb_person(d, client, &attempt, json_string_value(json_object_get(request, "as")), &r.as_root);
    if (!r.by || undated(d, client))
        return;
    int64_t now_ms = clock_site_ms();
    int rc = ledger_report(d->ledger, now_ms, &r, &body, id, why);
    attempt.why = why;
    if (rc == ERR_OK)
        casework_write(d, client, r.by->name, now_ms, id, body);
    else
        finish(d, client, rc, &attempt);
}

/* --- photos --- */

struct tried {
    char *body;    /* of the step, or */
    char why[400]; /* why not */
};

/* The step that a photo becomes (`kept`), or would become (NULL). */
static int photo_step(struct dustd *d, int64_t now_ms, json_t *request, const struct photo_done *kept,
                      struct act *a, struct tried *out)
{
    static const char some[] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct photo photo = {.sha256 = kept ? kept->sha256 : some,
                          .type = kept ? kept->type : "jpg",
                          .name = json_string_value(json_object_get(request, "name")),
                          .when = json_string_value(json_object_get(request, "when")),
                          .bytes = kept ? kept->bytes : 0};
    a->issue = json_string_value(json_object_get(request, "issue"));
    a->verb = VERB_PHOTO;
    a->text = json_string_value(json_object_get(request, "text"));
    a->photo = &photo;
    int rc = ledger_act(d->ledger, now_ms, a, &out->body, out->why, sizeof out->why);
    a->photo = NULL;
    return rc;
}

/* What the keeper gives back with the photo: the request, and who asked. */
static char *remember(json_t *request, uint64_t client, const struct person *by, bool as_root)
{
    json_object_set_new(request, "client", json_integer((json_int_t)client));
    json_object_set_new(request, "by", json_string(by->name));
    json_object_set_new(request, "as_root", json_boolean(as_root));
    char *text = mem_array(json_dumpb(request, NULL, 0, JSON_COMPACT) + 1, 1);
    json_dumpb(request, text, json_dumpb(request, NULL, 0, JSON_COMPACT), JSON_COMPACT);
    return text;
}

/* The same without what is on the disk then. */
static char *remember_part(json_t *request, uint64_t client, const struct act *a)
{
    json_object_del(request, "data");
    return remember(request, client, a->by, a->as_root);
}

static void keep(struct dustd *d, uint64_t client, int file, const struct photo_part *part, char *as)
{
    const struct issue_rules *is = &d->config->issues;
    struct photo_wish wish = {.file = file,
                              .dir = d->config->store.dir,
                              .size = is->photo_size,
                              .room = is->photo_room,
                              .as = as,
                              .part = part};
    if (!photo_keep(d->photos, &wish))
        verb_fail(d, client, "busy: another photo is being taken in");
    mem_free(as);
}

void photo_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    const char *id = json_string_value(json_object_get(request, "issue"));
    struct tried tried = {.body = NULL};
    struct act a = {.issue = NULL};
    int file = control_take_file(d->control, client);
    struct attempt attempt = {.uid = uid, .did = "act photo", .about = id ? id : "", .why = tried.why};
    const char *as = json_string_value(json_object_get(request, "as"));
    a.by = verb_person(d, client, &attempt, as, &a.as_root);
    attempt.why = tried.why;
    int rc = !a.by || undated(d, client) ? ERR_CLOSED
             : !id || file < 0           ? ERR_FORMAT
                                         : photo_step(d, clock_site_ms(), request, NULL, &a, &tried);
    mem_free(tried.body);
    if (rc == ERR_OK) {
        keep(d, client, file, NULL, remember(request, client, a.by, a.as_root));
        return;
    }
    if (file >= 0)
        close(file);
    if (rc == ERR_FORMAT && !tried.why[0])
        verb_fail(d, client, "needs \"issue\", and the photo as one open file (SCM_RIGHTS)");
    else if (rc != ERR_CLOSED)
        finish(d, client, rc, &attempt);
}

/* Of a photo that is on its way in parts. */
static json_t *progress(const char *sha256, int have, int of)
{
    return json_pack("{s:s,s:i,s:i}", "photo", sha256, "have", have, "of", of);
}

static bool has_photo(const struct issue *i, const char *sha256)
{
    char member[80]; /* in a name it would be escaped */
    snprintf(member, sizeof member, "\"sha256\":\"%s\"", sha256);
    for (int k = 0; k < i->nphotos; k++)
        if (strstr(i->photos[k], member))
            return true;
    return false;
}

/* Each part is asked about as a photo is: whoever may not add one may not leave parts of one either. */
void photo_part_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    const char *id = json_string_value(json_object_get(request, "issue"));
    struct tried tried = {.body = NULL};
    struct act a = {.issue = NULL};
    struct photo_part part;
    char why[PHOTO_PART_WHY] = "";
    struct attempt attempt = {.uid = uid, .did = "act photo", .about = id ? id : ""};
    a.by = verb_person(d, client, &attempt, json_string_value(json_object_get(request, "as")), &a.as_root);
    if (!a.by || undated(d, client))
        return;
    attempt.why = tried.why;
    int64_t now_ms = clock_site_ms();
    int rc = !id ? ERR_FORMAT : photo_step(d, now_ms, request, NULL, &a, &tried);
    mem_free(tried.body);
    if (rc != ERR_OK)
        finish(d, client, rc, &attempt);
    else if (photo_part_read(request, a.by->name, d->config->issues.photo_size, now_ms, &part, why))
        verb_fail(d, client, why);
    else if (has_photo(ledger_issue(d->ledger, id), part.sha256))
        verb_answer(d, client, progress(part.sha256, part.of, part.of));
    else
        keep(d, client, -1, &part, remember_part(request, client, &a));
}

/* In the meantime the issue may have ended, or a reload taken the person away: all is asked again. */
void photo_kept(struct dustd *d)
{
    struct photo_done done;
    struct tried tried = {.body = NULL};
    if (!photo_take(d->photos, &done))
        return;
    json_t *request = json_loads(done.as, 0, NULL);
    uint64_t client = (uint64_t)json_integer_value(json_object_get(request, "client"));
    const char *name = json_string_value(json_object_get(request, "by"));
    struct act a = {.by = name ? config_person(d->config, name) : NULL,
                    .as_root = json_is_true(json_object_get(request, "as_root"))};
    int64_t now_ms = clock_site_ms();
    if (done.why[0])
        verb_fail(d, client, done.why);
    else if (done.have < done.of)
        verb_answer(d, client,
                    progress(json_string_value(json_object_get(request, "photo")), done.have, done.of));
    else if (!a.by)
        verb_fail(d, client, "there is no such person any more");
    else if (photo_step(d, now_ms, request, &done, &a, &tried) != ERR_OK)
        verb_fail(d, client, tried.why);
    else
        casework_write(d, client, a.by->name, now_ms, json_string_value(json_object_get(request, "issue")),
                       tried.body);
    json_decref(request);
    mem_free(done.as);
}
