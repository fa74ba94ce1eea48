#include "daemon/ctl/svg.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/table.h"

#include <math.h>
#include <string.h>

enum {
    LEFT = 40,
    RIGHT = 6,
    ABOVE = 18,
    BELOW = 18,
    GRID = 5,         /* parts of the value's axis: a fifth of 1, 2, 2.5 and 5 is short */
    LABEL_ROOM = 30,  /* that the name of a day needs */
    DAYS_MOST = 62,   /* no grid beyond */
    BAR_PERCENT = 70, /* of a day's width */
};

void html_text(struct buf *b, const char *text)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    char *clean = text_clean(text);
    for (const char *c = clean; *c; c++) {
        size_t i = 0;
        while (i < sizeof escapes / sizeof *escapes && escapes[i].c != *c)
            i++;
        if (i < sizeof escapes / sizeof *escapes)
            buf_text(b, escapes[i].as);
        else
            buf_add(b, c, 1);
    }
    mem_free(clean);
}

double svg_top(double most)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    if (!(most > 0) || !isfinite(most))
        return 1;
    double power = pow(10, floor(log10(most)));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i] * power >= most)
            return steps[i] * power;
    return 10 * power;
}

static double between(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

double svg_x(const struct svg *s, int64_t at_ms)
{
    double share = (double)(at_ms - s->from_ms) / (double)(s->to_ms - s->from_ms);
    return LEFT + between(share, 0, 1) * (s->width - LEFT - RIGHT);
}

double svg_y(const struct svg *s, double value)
{
    return s->height - BELOW - between(value / s->top, 0, 1) * (s->height - ABOVE - BELOW);
}

static void put_values(const struct svg *s, const char *unit)
{
    for (int i = 0; i <= GRID; i++) {
        double value = s->top * i / GRID, y = svg_y(s, value);
        buf_printf(s->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y, s->width - RIGHT);
        buf_printf(s->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>", LEFT - 4, y + 3,
                   value);
    }
    buf_printf(s->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 4, ABOVE - 8);
    html_text(s->out, unit);
    buf_text(s->out, "</text>");
}

static void put_days(const struct svg *s)
{
    int64_t day_ms = clock_window_start(s->from_ms, CLOCK_DAY_MS, s->zone_min);
    double width = (svg_x(s, s->to_ms) - LEFT) * CLOCK_DAY_MS / (double)(s->to_ms - s->from_ms);
    int each = (int)(LABEL_ROOM / width) + 1;
    for (int i = 0; day_ms < s->to_ms && i < DAYS_MOST; i++, day_ms += CLOCK_DAY_MS) {
        char text[32];
        clock_text(day_ms, s->zone_min, text);
        buf_printf(s->out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", svg_x(s, day_ms), ABOVE,
                   s->height - BELOW);
        if (i % each == 0)
            buf_printf(s->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.5s</text>",
                       svg_x(s, day_ms) + width / 2, s->height - 5, text + 5);
    }
}

void svg_begin(const struct svg *s, const char *title, const char *unit)
{
    buf_printf(s->out, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\"><title>", s->width,
               s->height, s->width, s->height);
    html_text(s->out, title);
    buf_text(s->out, "</title>");
    put_values(s, unit);
    put_days(s);
}

void svg_end(const struct svg *s)
{
    buf_printf(s->out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/></svg>\n", LEFT, ABOVE, s->height - BELOW,
               s->width - RIGHT);
}

void svg_hole(const struct svg *s, int64_t from_ms, int64_t to_ms)
{
    double x = svg_x(s, from_ms), end = svg_x(s, to_ms);
    if (end > x)
        buf_printf(s->out, "<rect class=\"hole\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", x,
                   ABOVE, end - x, s->height - ABOVE - BELOW);
}

void svg_limit(const struct svg *s, double value)
{
    buf_printf(s->out, "<path class=\"limit\" d=\"M%d %.1fH%d\"/>", LEFT, svg_y(s, value), s->width - RIGHT);
}

void svg_curve(const struct svg *s, const struct svg_value *values, int n)
{
    if (n == 1) {
        buf_printf(s->out, "<circle class=\"one\" cx=\"%.1f\" cy=\"%.1f\" r=\"1\"/>", svg_x(s, values->at_ms),
                   svg_y(s, values->value));
        return;
    }
    buf_text(s->out, n ? "<path class=\"curve\" d=\"" : "");
    for (int i = 0; i < n; i++)
        buf_printf(s->out, "%c%.1f %.1f", i ? 'L' : 'M', svg_x(s, values[i].at_ms),
                   svg_y(s, values[i].value));
    buf_text(s->out, n ? "\"/>" : "");
}

void svg_dot(const struct svg *s, struct svg_value at)
{
    buf_printf(s->out, "<circle class=\"over\" cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\"/>", svg_x(s, at.at_ms),
               svg_y(s, at.value));
}

void svg_bar(const struct svg *s, int64_t day_ms, const int parts[static 3])
{
    static const char *const classes[] = {"met", "failed", "unknown"};
    double x = svg_x(s, day_ms), width = svg_x(s, day_ms + CLOCK_DAY_MS) - x, from = 0;
    for (int i = 0; i < 3; i++) {
        double top = svg_y(s, from + parts[i]), bottom = svg_y(s, from);
        if (parts[i])
            buf_printf(s->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                       classes[i], x + width * (100 - BAR_PERCENT) / 200, top, width * BAR_PERCENT / 100,
                       bottom - top);
        from += parts[i];
    }
}

void svg_nothing(const struct svg *s, int64_t day_ms)
{
    double x = svg_x(s, day_ms), width = svg_x(s, day_ms + CLOCK_DAY_MS) - x;
    buf_printf(s->out, "<path class=\"nothing\" d=\"M%.1f %.1fh%.1f\"/>",
               x + width * (100 - BAR_PERCENT) / 200, svg_y(s, 0) - 1, width * BAR_PERCENT / 100);
}
