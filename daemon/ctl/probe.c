/* dustctl probe: the plan, the loan, the scan, the profiles, the answer, in this order. */
#include "daemon/ctl/probe.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/file.h"
#include "daemon/base/loop.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/ctl/ctl.h"
#include "drivers/profile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BY_ID "/dev/serial/by-id"

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

bool probe_goes_on(void *probe)
{
    struct probe *p = probe;
    if (loop_signal_next(p->signals))
        p->end = PROBE_SIGNAL;
    return p->end == PROBE_WHOLE && probe_holds(p);
}

void probe_fail_line(struct probe *p, int error)
{
    p->end = PROBE_LINE;
    p->error = error;
}

static void scan(struct probe *p)
{
    const struct scan_watch watch = {
        .go_on = probe_goes_on, .progress = probe_progress, .found = probe_found, .arg = p};
    if (scan_run(&p->plan, &p->port, p->signals, &watch, &p->result) != ERR_OK && p->end == PROBE_WHOLE)
        probe_fail_line(p, errno);
    probe_clear(p);
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
    probe_identify(p);
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
