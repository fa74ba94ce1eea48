/* What each kind of input carries, and who may say it. */
#include "daemon/base/clock.h"
#include "daemon/config/person.h"
#include "daemon/judge/input.h"
#include "daemon/judge/input_inside.h"

enum {
    UNIT = ROLE_SITE | ROLE_CONTRACTOR,
    DECIDE = ROLES_DECIDE,
    WITNESS = ROLES_WITNESS,
};

#define TO(member) offsetof(struct input, member), sizeof((struct input *)0)->member
#define FROM(need)                                    \
    {                                                 \
        "from", FIELD_STAMP, need, TO(from_ms), 0, 0, \
        {                                             \
            0                                         \
        }                                             \
    }
#define AT(need)                                    \
    {                                               \
        "at", FIELD_STAMP, need, TO(from_ms), 0, 0, \
        {                                           \
            0                                       \
        }                                           \
    }
#define UNTIL(need)                               \
    {                                             \
        "to", FIELD_STAMP, need, TO(to_ms), 0, 0, \
        {                                         \
            0                                     \
        }                                         \
    }
#define PLATE                                         \
    {                                                 \
        "plate", FIELD_PLATE, false, TO(about), 0, 0, \
        {                                             \
            0                                         \
        }                                             \
    }

const struct input_shape input_shapes[INPUT__KINDS] = {
    [INPUT_ALIVE] = {WITNESS, true, SPAN, false, CLOCK_DAY_MS, {FROM(true), UNTIL(true)}},
    [INPUT_BACKGROUND] = {WITNESS,
                          true,
                          SPAN,
                          false,
                          CLOCK_DAY_MS,
                          {FROM(true),
                           UNTIL(true),
                           {"role", FIELD_WORD, true, TO(what), 0, 0, {"pm10", "pm25", "tsp"}},
                           {"value", FIELD_NUMBER, true, TO(value), 0, 1e5, {0}},
                           {"unit", FIELD_WORD, true, TO(via), 0, 0, {"ug/m3", "mg/m3"}}}},
    [INPUT_CALENDAR] =
        {DECIDE,
         false,
         SPAN,
         true,
         (int64_t)CLOCK_DAY_MS *INPUT_PLAN_DAYS,
         {FROM(true),
          UNTIL(true),
          {"what", FIELD_WORD, true, TO(what), 0, 0, {"holiday", "suspended", "rain", "work"}}}},
    [INPUT_CAMERA] = {WITNESS,
                      true,
                      MOMENT,
                      false,
                      0,
                      {AT(true),
                       {"what", FIELD_WORD, true, TO(what), 0, 0, {"soil", "fence_gap", "uncovered"}},
                       {"value", FIELD_NUMBER, false, TO(value), 0, 1e6, {0}},
                       PLATE}},
    [INPUT_INSPECTION] = {UNIT | WITNESS,
                          false,
                          OPEN,
                          false,
                          (int64_t)CLOCK_DAY_MS *INPUT_PLAN_DAYS,
                          {AT(true),
                           UNTIL(false),
                           {"about", FIELD_TEXT, true, TO(about), 0, 0, {0}},
                           {"value", FIELD_NUMBER, true, TO(value), 0, 100, {0}}}},
    [INPUT_MAINTENANCE] = {UNIT | WITNESS,
                           false,
                           SPAN,
                           true,
                           4 * (int64_t)CLOCK_HOUR_MS, /* ends by itself after at most 4 h [proposal] */
                           {FROM(true),
                            UNTIL(true),
                            {"device", FIELD_TEXT, true, TO(about), 0, 0, {0}},
                            {"what", FIELD_WORD, true, TO(what), 0, 0, {"maintenance", "calibration"}}}},
    [INPUT_PASSAGE] =
        {WITNESS,
         true,
         MOMENT,
         false,
         0,
         {AT(true),
          {"direction", FIELD_WORD, true, TO(what), 0, 0, {"in", "out"}},
          PLATE,
          {"via", FIELD_WORD, false, TO(via), 0, 0, {"wash", "bypass"}},
          {"wash_s", FIELD_NUMBER, false, TO(value), 0, 86400, {0}}}},
    [INPUT_STAGE] = {DECIDE,
                     false,
                     OPEN,
                     true,
                     INPUT_OPEN,
                     {FROM(true),
                      {"stage",
                       FIELD_WORD,
                       true,
                       TO(what),
                       0,
                       0,
                       {"demolition", "earthwork", "foundation", "structure", "finishing", "suspended"}}}},
    [INPUT_WARNING] = {DECIDE,
                       true,
                       OPEN,
                       true,
                       INPUT_OPEN,
                       {FROM(true),
                        UNTIL(false),
                        {"level", FIELD_WORD, true, TO(what), 0, 0, {"none", "yellow", "orange", "red"}}}},
};

const struct field input_common[INPUT_COMMON] = {
    {"id", FIELD_TEXT, false, TO(id), 0, 0, {0}},
    {"reason", FIELD_TEXT, false, TO(reason), 0, 0, {0}},
};

bool input_may(unsigned roles, enum input_kind kind)
{
    unsigned allowed = input_shapes[kind].roles;
    return (allowed & UNIT || !(roles & ROLES_UNIT)) && roles & allowed;
}

bool input_machine(enum input_kind kind)
{
    return input_shapes[kind].machine;
}

const char *input_who(enum input_kind kind)
{
    return input_shapes[kind].roles == DECIDE    ? "community, office"
           : input_shapes[kind].roles == WITNESS ? "community, office, inspector"
                                                 : "every person with a role";
}
