/* dustctl watch: the site as it is, each second: on a terminal the whole screen, elsewhere a line a change.
 */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/loop.h"
#include "daemon/ctl/changes.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/feed.h"
#include "daemon/ctl/screen.h"
#include "daemon/ctl/sheet.h"
#include "daemon/ctl/view.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAST_ROWS = 2000, WAIT_MS = 60000 };

struct watch {
    struct ctl *c;
    struct feed *feed;
    struct screen *screen;
    int signals;
    struct sheet head, body, foot;
    int sections[VIEW_SECTIONS];
    int top;           /* first line of the body that is seen */
    int seen;          /* how many are */
    int columns, rows; /* of the screen, as drawn */
    bool over;         /* enough watched */
};

/* ---- the screen ---- */

static void clamp_top(struct watch *w)
{
    int most = w->body.nlines - w->seen;
    w->top = w->top > most ? most : w->top;
    w->top = w->top < 0 ? 0 : w->top;
}

static void draw_too_small(struct watch *w)
{
    w->head.columns = w->columns;
    sheet_line(&w->head);
    sheet_printf(&w->head, TINT_BAD, 0,
                 say(w->c, "窗口太小：至少要 %dx%d，现在 %dx%d", "too small: needs %dx%d, is %dx%d"),
                 VIEW_COLUMNS_MIN, VIEW_ROWS_MIN, w->columns, w->rows);
    screen_draw(w->screen, 0, &w->head, 0, 1);
}

static void draw_scene(struct watch *w)
{
    const struct scene *scene = feed_scene(w->feed);
    w->head.columns = w->body.columns = w->foot.columns = w->columns;
    view_head(w->c, scene, &w->head);
    view_body(w->c, scene, &w->body, w->sections);
    w->seen = w->rows - w->head.nlines - 1;
    clamp_top(w);
    int last = w->top + w->seen < w->body.nlines ? w->top + w->seen : w->body.nlines;
    view_foot(w->c, w->top + 1, last, w->body.nlines, &w->foot);
    screen_draw(w->screen, 0, &w->head, 0, w->head.nlines);
    screen_draw(w->screen, w->head.nlines, &w->body, w->top, w->seen);
    screen_draw(w->screen, w->rows - 1, &w->foot, 0, 1);
}

static void draw(struct watch *w)
{
    screen_size(w->screen, &w->columns, &w->rows);
    sheet_clear(&w->head);
    sheet_clear(&w->body);
    sheet_clear(&w->foot);
    screen_clear(w->screen);
    if (w->columns < VIEW_COLUMNS_MIN || w->rows < VIEW_ROWS_MIN)
        draw_too_small(w);
    else
        draw_scene(w);
    screen_show(w->screen);
}

static void press(struct watch *w, int key)
{
    const int steps[] = {[KEYS_UP] = -1,
                         [KEYS_DOWN] = 1,
                         [KEYS_PAGE_UP] = -(w->seen - 1),
                         [KEYS_PAGE_DOWN] = w->seen - 1,
                         [KEYS_TOP] = -w->body.nlines,
                         [KEYS_END] = w->body.nlines};
    if (key == KEYS_QUIT)
        w->over = true;
    else if (key > KEYS_SECTION && key <= KEYS_SECTION + VIEW_SECTIONS)
        w->top = w->sections[key - KEYS_SECTION - 1];
    else if (key < (int)(sizeof steps / sizeof *steps))
        w->top += steps[key];
    clamp_top(w);
}

/* ---- the loop, of both kinds ---- */

/* Until something happens; false when it was one of the ends: a signal, a terminal or a reader that is gone.
 */
static bool wait(struct watch *w)
{
    /* a reader that has left shows as an error of our end of the pipe */
    struct pollfd polls[] = {{.fd = w->signals, .events = POLLIN},
                             {.fd = feed_fd(w->feed), .events = POLLIN},
                             {.fd = w->screen && isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN},
                             {.fd = w->screen ? -1 : STDOUT_FILENO, .events = 0}};
    int wait_ms = feed_wait_ms(w->feed, clock_wire_us());
    if (poll(polls, sizeof polls / sizeof *polls, wait_ms < WAIT_MS ? wait_ms : WAIT_MS) < 0)
        return true; /* the window has another size */
    if (polls[0].revents || ((polls[2].revents | polls[3].revents) & (POLLHUP | POLLERR | POLLNVAL)))
        return false;
    return true;
}

static void watch_screen(struct watch *w)
{
    feed_step(w->feed, clock_wire_us());
    while (!w->over) {
        draw(w);
        bool changed = false;
        while (!changed && !w->over) {
            w->over = !wait(w);
            for (int key = screen_key(w->screen); key != KEYS_NONE; key = screen_key(w->screen)) {
                press(w, key);
                changed = true;
            }
            int columns, rows;
            screen_size(w->screen, &columns, &rows); /* the keys bring a new size, too */
            changed =
                feed_step(w->feed, clock_wire_us()) || changed || columns != w->columns || rows != w->rows;
        }
    }
    screen_close(w->screen);
}

static void watch_lines(struct watch *w)
{
    struct changes changes = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_DFL); /* a reader that has left ends us, as it ends any program in a pipe */
    while (!w->over) {
        if (feed_step(w->feed, clock_wire_us()))
            changes_print(&changes, w->c, feed_scene(w->feed), stdout);
        w->over = ferror(stdout) || !wait(w);
    }
    changes_finish(&changes);
}

/* Whether the user's terminal shows UTF-8; what --lang zh asks for is not doubted. */
static bool is_ascii_only(const struct ctl *c)
{
    bool utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    setlocale(LC_CTYPE, "C.UTF-8");
    return !utf8 && !(c->lang && strcmp(c->lang, "zh") == 0);
}

int verb_watch(struct ctl *c)
{
    json_t *status =
        ctl_result(c, json_pack("{s:s}", "do", "status")); /* learns the language, or says why not */
    if (!status)
        return EXIT_FAILED;
    json_decref(status);
    client_close(c->client);
    c->client = NULL;
    struct watch w = {.c = c, .signals = loop_signals()};
    if (w.signals < 0)
        return EXIT_FAILED;
    if (!c->json && isatty(STDOUT_FILENO))
        w.screen = screen_open();
    if (w.screen && is_ascii_only(c)) {
        w.head.ascii = w.body.ascii = w.foot.ascii = true;
        c->lang = "en";
        c->zh = false;
    }
    w.feed = feed_create(c, w.screen ? PAST_ROWS : 0);
    if (w.screen)
        watch_screen(&w);
    else
        watch_lines(&w);
    feed_destroy(w.feed);
    sheet_finish(&w.head);
    sheet_finish(&w.body);
    sheet_finish(&w.foot);
    close(w.signals);
    return EXIT_OK;
}
