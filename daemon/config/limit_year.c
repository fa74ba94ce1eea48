/* What is asked of a limit of a calendar year. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"

/* A year's mean is compared as it is: what remembers from window to window, or looks at the time within it,
 * has no meaning there. */
static int check_shape(const struct yaml_doc *doc, const struct yaml_node *map, const struct limit_rule *r,
                       struct complaint *why)
{
    static const char plain[] = "with a window of 1y", other[] = "a window of at most 24h";
    bool year = r->window_ms == RULE_A_YEAR;
    const struct {
        bool wrong;
        const char *key, *what, *allowed;
    } rules[] = {
        {year && r->minus, "minus", plain, other},
        {year && r->stages, "stages", plain, other},
        {year && r->hours[0], "hours", plain, other},
        {year && r->release[0], "release", plain, other},
        {year && r->allowed, "allowed_per_day", plain, other},
        {year && !r->hours_needed, "window", "1y without hours_needed",
         "both: a year is the mean of its days, a day that of its hours"},
        {!year && r->days_needed, "days_needed", "without a window of 1y", "both"},
        {!year && r->month_days_needed, "days_needed_a_month", "without a window of 1y", "both"},
        {!year && r->february_days_needed, "days_needed_in_february", "without a window of 1y", "both"},
        {r->days_needed && r->days_needed < 274, "days_needed", "fewer than 274 days",
         "274 to 365, at least 75 % of the year"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            return yaml_complain(doc, yaml_get(map, rules[i].key), why, "found %s %s; allowed: %s",
                                 rules[i].key, rules[i].what, rules[i].allowed);
    return ERR_OK;
}

/* The year is judged by the limit that is in force when it begins. */
static bool holds_no_new_year(const struct limit_rule *r)
{
    int64_t from_ms, to_ms;
    if (r->window_ms != RULE_A_YEAR || read_day(r->valid_from, 0, &from_ms) ||
        read_day(r->valid_to, 0, &to_ms))
        return false;
    return clock_year_start(to_ms, 0) < from_ms;
}

int check_rule_year(const struct yaml_doc *doc, const struct yaml_node *map, const struct limit_rule *r,
                    struct complaint *why)
{
    if (holds_no_new_year(r))
        return yaml_complain(doc, yaml_get(map, "valid_to"), why,
                             "found no 1 January from %s to %s; allowed: at least one, with a window of 1y",
                             r->valid_from, r->valid_to);
    return check_shape(doc, map, r, why);
}
