#include "daemon/ctl/screen.h"

#include "daemon/base/mem.h"
#include "daemon/ctl/sheet.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct screen {
    SCREEN *terminal;
    bool coloured;
};

/* Without colours the same is said by brightness; nothing is said by colour alone anyhow. */
static const struct {
    short colour; /* -1: the terminal's own */
    attr_t with, without;
} looks[TINT__COUNT] = {
    [TINT_PLAIN] = {-1, A_NORMAL, A_NORMAL},      [TINT_STRONG] = {-1, A_BOLD, A_BOLD},
    [TINT_FAINT] = {-1, A_DIM, A_NORMAL},         [TINT_GOOD] = {COLOR_GREEN, A_NORMAL, A_NORMAL},
    [TINT_WARN] = {COLOR_YELLOW, A_BOLD, A_BOLD}, [TINT_BAD] = {COLOR_RED, A_BOLD, A_REVERSE},
    [TINT_BAR] = {-1, A_REVERSE, A_REVERSE},
};

static void set_colours(struct screen *s)
{
    const char *none = getenv("NO_COLOR");
    s->coloured = has_colors() && !(none && *none) && start_color() == OK && use_default_colors() == OK;
    for (short i = 0; s->coloured && i < TINT__COUNT; i++)
        init_pair((short)(i + 1), looks[i].colour, -1);
}

struct screen *screen_open(void)
{
    const char *term = getenv("TERM");
    if (!term || !*term || strcmp(term, "dumb") == 0)
        return NULL;
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal)
        return NULL;
    struct screen *s = mem_new(struct screen);
    s->terminal = terminal;
    set_term(terminal);
    set_colours(s);
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    set_escdelay(25);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    return s;
}

/* Asked for each time: of a change while it was being opened curses has heard nothing. */
void screen_size(struct screen *s, int *columns, int *rows)
{
    (void)s;
    struct winsize now;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) == 0 && now.ws_row && now.ws_col &&
        is_term_resized(now.ws_row, now.ws_col))
        resizeterm(now.ws_row, now.ws_col);
    *columns = getmaxx(stdscr);
    *rows = getmaxy(stdscr);
}

int screen_key(struct screen *s)
{
    static const struct {
        int code;
        enum key key;
    } keys[] = {
        {'q', KEYS_QUIT},
        {'Q', KEYS_QUIT},
        {KEY_UP, KEYS_UP},
        {'k', KEYS_UP},
        {KEY_DOWN, KEYS_DOWN},
        {'j', KEYS_DOWN},
        {KEY_PPAGE, KEYS_PAGE_UP},
        {'b', KEYS_PAGE_UP},
        {KEY_NPAGE, KEYS_PAGE_DOWN},
        {' ', KEYS_PAGE_DOWN},
        {KEY_HOME, KEYS_TOP},
        {'g', KEYS_TOP},
        {KEY_END, KEYS_END},
        {'G', KEYS_END},
    };
    (void)s;
    for (int code = getch(); code != ERR; code = getch()) {
        if (code >= '1' && code <= '9')
            return KEYS_SECTION + (code - '0');
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (keys[i].code == code)
                return (int)keys[i].key;
    }
    return KEYS_NONE;
}

void screen_draw(struct screen *s, int row, const struct sheet *sheet, int first, int count)
{
    for (int i = 0; i < count && first + i < sheet->nlines; i++) {
        const struct line *line = &sheet->lines[first + i];
        move(row + i, 0);
        for (int k = 0; k < line->npieces; k++) {
            enum tint tint = line->pieces[k].tint;
            attr_set(s->coloured ? looks[tint].with : looks[tint].without,
                     s->coloured ? (short)(tint + 1) : 0, NULL);
            addstr(line->pieces[k].text);
        }
    }
    attr_set(A_NORMAL, 0, NULL);
}

void screen_clear(struct screen *s)
{
    (void)s;
    erase();
}

void screen_show(struct screen *s)
{
    (void)s;
    refresh();
}

void screen_close(struct screen *s)
{
    if (!s)
        return;
    endwin();
    delscreen(s->terminal);
    mem_free(s);
}
