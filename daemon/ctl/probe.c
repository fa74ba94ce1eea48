/* dustctl probe: the plan, the loan, the scan, the profiles, the answer, in this order. */
#include "daemon/ctl/probe.h"

#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/loop.h"
#include "daemon/base/mem.h"
#include "drivers/reader.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BY_ID "/dev/serial/by-id"

enum { READ_TIMES = 4 }; /* times as long as it took to answer first, a unit may take to answer */

/* ---- profiles ---- */

static bool has_profile(const struct probe *p, const char *name)
{
    for (int i = 0; i < p->nprofiles; i++)
        if (strcmp(p->profiles[i].profile->name, name) == 0)
            return true;
    return false;
}

/* A file that is wrong is named and left out: the others may be the right ones. */
static void add_profile(struct probe *p, const char *dir, const char *file, bool installed)
{
    struct complaint why;
    struct profile *profile;
    char *path = mem_printf("%s/%s", dir, file);
    if (profile_load(path, &profile, &why) != ERR_OK) {
        complain("%s", why.text);
    } else if (has_profile(p, profile->name)) {
        profile_free(profile);
    } else {
        p->profiles = mem_resize(p->profiles, (size_t)p->nprofiles + 1, sizeof *p->profiles);
        p->profiles[p->nprofiles++] = (struct probe_profile){profile, dir, installed};
    }
    mem_free(path);
}

static int is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static int add_profiles(struct probe *p, const char *dir, bool installed)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_yaml, alphasort);
    for (int i = 0; i < n; i++) {
        add_profile(p, dir, entries[i]->d_name, installed);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return n;
}

static int load_profiles(struct probe *p)
{
    if (p->c->devices && add_profiles(p, p->c->devices, false) < 0) {
        complain("--devices %s: %s", p->c->devices, strerror(errno));
        return EXIT_USAGE;
    }
    add_profiles(p, "/etc/dustd/devices", true);
    add_profiles(p, DUST_SHARE_DIR "/devices", true);
    if (p->nprofiles == 0)
        complain(
            say(p->c, "没有型号文件：只能找到地址，不能识别设备（--devices DIR 指定目录）",
                "there are no device profiles: units can be found, not known (--devices DIR names some)"));
    return EXIT_OK;
}

/* ---- the port ---- */

/* The name that stays the same after the next boot; the port's own where there is none. */
static char *lasting_name(const char *path)
{
    char *real = realpath(path, NULL), *found = NULL;
    DIR *dir = opendir(BY_ID);
    for (const struct dirent *e; dir && real && !found && (e = readdir(dir));) {
        char *link = mem_printf("%s/%s", BY_ID, e->d_name), *to = realpath(link, NULL);
        if (to && strcmp(to, real) == 0)
            found = mem_string(link);
        free(to);
        mem_free(link);
    }
    if (dir)
        closedir(dir);
    if (!found)
        found = mem_string(path[0] == '/' || !real ? path : real);
    free(real);
    return found;
}

static void wish_known(const struct probe *p, struct scan_wish *wish)
{
    size_t i;
    json_t *device;
    const char *parity = text_of(p->lent, "parity");
    if (!p->lent)
        return;
    wish->first.baud = (int)int_of(p->lent, "baud");
    wish->first.stop_bits = (int)int_of(p->lent, "stop_bits");
    wish->first.parity = 'N';
    if (strcmp(parity, "none") != 0)
        wish->first.parity = strcmp(parity, "even") == 0 ? 'E' : 'O';
    json_array_foreach(json_object_get(p->lent, "devices"), i, device)
    {
        int64_t unit = int_of(device, "unit_id");
        if (unit >= 1 && unit <= SCAN_UNIT_MAX)
            wish->known[unit] = true;
    }
}

static void make_plan(struct probe *p, struct scan_wish *wish)
{
    const struct profile **list = mem_array((size_t)p->nprofiles + 1, sizeof *list);
    for (int i = 0; i < p->nprofiles; i++)
        list[i] = p->profiles[i].profile;
    wish_known(p, wish);
    scan_plan(wish, list, p->nprofiles, &p->plan);
    mem_free(list);
}

/* ---- the scan ---- */

static bool go_on(void *probe)
{
    struct probe *p = probe;
    if (loop_signal_next(p->signals))
        p->end = PROBE_SIGNAL;
    return p->end == PROBE_WHOLE && probe_holds(p);
}

static void fail_line(struct probe *p, int error)
{
    p->end = PROBE_LINE;
    p->error = error;
}

static void scan(struct probe *p)
{
    const struct scan_watch watch = {
        .go_on = go_on, .progress = probe_progress, .found = probe_found, .arg = p};
    if (scan_run(&p->plan, &p->port, p->signals, &watch, &p->result) != ERR_OK && p->end == PROBE_WHOLE)
        fail_line(p, errno);
    probe_clear(p);
}

/* ---- what a unit is ---- */

/* Keeps the best; what falls out is freed. */
static void rank(struct probe_unit *u, struct probe_candidate candidate)
{
    int at = u->ncandidates;
    while (at > 0 && u->candidates[at - 1].match.score < candidate.match.score)
        at--;
    if (at == PROBE_CANDIDATES_MAX) {
        mem_free(candidate.samples);
        return;
    }
    if (u->ncandidates == PROBE_CANDIDATES_MAX)
        mem_free(u->candidates[--u->ncandidates].samples);
    for (int i = u->ncandidates; i > at; i--)
        u->candidates[i] = u->candidates[i - 1];
    u->candidates[at] = candidate;
    u->ncandidates++;
}

static void keep_raws(struct probe_unit *u, const struct reader *r)
{
    enum { ROOM = sizeof u->raws / sizeof *u->raws, VALUES = sizeof u->raws[0].values / sizeof(uint16_t) };
    for (int i = 0; i < r->nanswers && u->nraws < ROOM; i++) {
        const struct reader_answer *a = &r->answers[i];
        if (a->why != WHY_NONE)
            continue;
        struct probe_raw *raw = &u->raws[u->nraws++];
        raw->request = a->request;
        size_t n = a->request.count < VALUES ? a->request.count : VALUES;
        memcpy(raw->values, a->values, n * sizeof *raw->values);
    }
}

static int read_unit(struct probe *p, struct line *line, const struct bus_config *config,
                     struct probe_unit *u)
{
    struct reader *r = mem_new(struct reader);
    int timeout_ms = READ_TIMES * u->at.answer_us / 1000, rc = ERR_OK;
    r->line = line;
    r->config = config;
    r->unit_id = u->at.unit_id;
    r->gap_ms = u->at.gap_ms;
    r->timeout_ms = timeout_ms > p->plan.timeout_ms ? timeout_ms : p->plan.timeout_ms;
    for (int i = 0; i < p->nprofiles && rc == ERR_OK && go_on(p); i++) {
        const struct profile *profile = p->profiles[i].profile;
        struct probe_candidate c = {.of = &p->profiles[i]};
        c.samples = mem_array((size_t)profile->npoints, sizeof *c.samples);
        rc = reader_read(r, profile, c.samples);
        c.match = match_profile(profile, c.samples, &u->at.setting, u->at.unit_id);
        if (rc == ERR_OK && c.match.score >= MATCH_POSSIBLE)
            rank(u, c);
        else
            mem_free(c.samples);
    }
    keep_raws(u, r);
    reader_finish(r);
    mem_free(r);
    return rc;
}

static int identify(struct probe *p, struct probe_unit *u)
{
    struct bus_config config = scan_line(&p->port, &u->at.setting, p->plan.timeout_ms);
    struct line *line = line_create(&config, p->signals);
    int rc = line_open(line);
    if (rc == ERR_OK)
        rc = read_unit(p, line, &config, u);
    int error = errno;
    line_destroy(line);
    errno = error;
    return rc;
}

static const char *known_as(const struct probe *p, int unit_id)
{
    size_t i;
    json_t *device;
    json_array_foreach(json_object_get(p->lent, "devices"), i, device)
    {
        if (int_of(device, "unit_id") == unit_id)
            return text_of(device, "name");
    }
    return NULL;
}

static void identify_all(struct probe *p)
{
    p->nunits = p->result.nunits;
    p->units = mem_array((size_t)p->nunits + 1, sizeof *p->units);
    for (int i = 0; i < p->nunits; i++) {
        p->units[i].at = p->result.units[i];
        p->units[i].known = known_as(p, p->units[i].at.unit_id);
    }
    for (int i = 0; i < p->nunits && p->nprofiles && go_on(p); i++) {
        probe_reading(p, i + 1, p->nunits);
        if (identify(p, &p->units[i]) != ERR_OK && p->end == PROBE_WHOLE)
            fail_line(p, errno);
    }
}

/* ---- the answer ---- */

static void complain_line(const struct probe *p)
{
    const struct ctl *c = p->c;
    if (p->error == EWOULDBLOCK || p->error == EBUSY)
        complain(say(c, "%s 被另一个程序占用（不是正在应答的 dustd）；用 fuser -v %s 查看",
                     "%s is held by another program, none of a dustd that answers: fuser -v %s names it"),
                 p->path, p->path);
    else
        complain("%s: %s", p->path, strerror(p->error));
}

static void say_end(const struct probe *p)
{
    const struct ctl *c = p->c;
    const char *const why[] = {
        [PROBE_SIGNAL] = say(c, "已中断：结果不完整", "interrupted: this is not everything"),
        [PROBE_TIME] =
            say(c, "借用时间已到：结果不完整；用 --baud、--units 缩小范围再试",
                "the loan's time is over: this is not everything; narrow it with --baud and --units"),
        [PROBE_LENDER] =
            say(c, "dustd 收回了总线：结果不完整", "dustd has ended the loan: this is not everything"),
    };
    if (p->end == PROBE_LINE)
        complain_line(p);
    else if (p->end != PROBE_WHOLE)
        complain("%s", why[p->end]);
}

static int put_block(const struct probe *p)
{
    struct buf block = {0};
    int rc = EXIT_OK;
    probe_block(p, clock_site_ms(), &block);
    if (block.length && p->c->out) {
        if (file_replace(p->c->out, block.data, block.length, 0644) != ERR_OK) {
            complain("%s: %s", p->c->out, strerror(errno));
            rc = EXIT_FAILED;
        }
    } else if (block.length && !p->c->json) {
        printf("\n%s", block.data);
    }
    buf_finish(&block);
    return rc;
}

static int answer(const struct probe *p)
{
    if (p->c->json) {
        json_t *all = probe_json(p);
        print_json(all);
        json_decref(all);
    } else if (p->end != PROBE_LINE || p->nunits) {
        probe_print(p);
    }
    int rc = put_block(p);
    say_end(p);
    return p->nunits && p->end == PROBE_WHOLE ? rc : EXIT_FAILED;
}

static void finish(struct probe *p)
{
    for (int i = 0; i < p->nunits; i++)
        for (int k = 0; k < p->units[i].ncandidates; k++)
            mem_free(p->units[i].candidates[k].samples);
    for (int i = 0; i < p->nprofiles; i++)
        profile_free(p->profiles[i].profile);
    mem_free(p->profiles);
    mem_free(p->units);
    mem_free(p->path);
    mem_free(p->shown);
    json_decref(p->lent);
}

static int run(struct probe *p, struct scan_wish *wish)
{
    if (probe_borrow(p, p->c->words[0]) != ERR_OK) {
        say_end(p);
        return EXIT_FAILED;
    }
    p->shown = lasting_name(p->path);
    p->port = (struct bus_config){
        .name = "probe", .transport = TRANSPORT_RTU, .path = p->path, .rs485 = p->port.rs485};
    make_plan(p, wish);
    probe_tell_plan(p);
    scan(p);
    identify_all(p);
    probe_return(p); /* the line is closed by now */
    return answer(p);
}

int verb_probe(struct ctl *c)
{
    struct probe p = {.c = c, .terminal = isatty(STDERR_FILENO)};
    struct scan_wish wish;
    const char *term = getenv("TERM");
    p.terminal = p.terminal && term && *term && strcmp(term, "dumb") != 0;
    int rc = probe_wish(c, &wish);
    if (rc == EXIT_OK)
        rc = load_profiles(&p);
    if (rc == EXIT_OK && (p.signals = loop_signals()) < 0)
        rc = EXIT_FAILED;
    if (rc == EXIT_OK)
        rc = run(&p, &wish);
    finish(&p);
    return rc;
}
