/* The terminal: the only place with curses.h. One screen at a time. */
#ifndef DUST_SCREEN_H
#define DUST_SCREEN_H

struct screen;
struct sheet;

enum key {
    KEYS_NONE,
    KEYS_QUIT,
    KEYS_UP,
    KEYS_DOWN,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_TOP,
    KEYS_END,
    KEYS_SECTION
};

/* Takes the terminal. NULL when it is none that can be drawn upon (TERM unknown or dumb). */
struct screen *screen_open(void);

/* As it is now: it may have been resized. */
void screen_size(struct screen *s, int *columns, int *rows);

/* The next key that was pressed, KEYS_NONE when there is none (any more); KEYS_SECTION + n for the digit n.
 * Does not wait. */
int screen_key(struct screen *s);

/* Draws `count` lines of the sheet from its line `first` on, at `row` of the screen. */
void screen_draw(struct screen *s, int row, const struct sheet *sheet, int first, int count);

/* Blank, before drawing; and onto the terminal, after it. */
void screen_clear(struct screen *s);
void screen_show(struct screen *s);

/* Gives the terminal back as it was. NULL ok. */
void screen_close(struct screen *s);

#endif
