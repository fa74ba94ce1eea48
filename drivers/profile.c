#include "drivers/profile_private.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "drivers/profile.h"

#include <string.h>

const struct word baud_words[] = {{"1200", 1200},
                                  {"2400", 2400},
                                  {"4800", 4800},
                                  {"9600", 9600},
                                  {"14400", 14400},
                                  {"19200", 19200},
                                  {"38400", 38400},
                                  {"57600", 57600},
                                  {"115200", 115200},
                                  {"230400", 230400},
                                  {0}};

static const struct word tables[] = {{"coil", TABLE_COIL},
                                     {"discrete", TABLE_DISCRETE_INPUT},
                                     {"holding", TABLE_HOLDING},
                                     {"input", TABLE_INPUT_REGISTER},
                                     {0}};

static const struct word types[] = {{"bit", TYPE_BIT},
                                    {"u16", TYPE_U16},
                                    {"i16", TYPE_I16},
                                    {"u32", TYPE_U32},
                                    {"i32", TYPE_I32},
                                    {"f32", TYPE_F32},
                                    {"u64", TYPE_U64},
                                    {"f64", TYPE_F64},
                                    {"bcd16", TYPE_BCD16},
                                    {"bcd32", TYPE_BCD32},
                                    {0}};

static const struct word orders[] = {
    {"abcd", ORDER_ABCD}, {"cdab", ORDER_CDAB}, {"badc", ORDER_BADC}, {"dcba", ORDER_DCBA}, {0}};

const struct word base_words[] = {{"0", BASE_0}, {"1", BASE_1}, {"40001", BASE_40001}, {0}};

static const char *word_of(const struct word *words, long value)
{
    while (words->text && words->value != value)
        words++;
    return words->text ? words->text : "unknown";
}

const char *table_str(enum modbus_table table)
{
    return word_of(tables, table);
}

const char *type_str(enum point_type type)
{
    return word_of(types, type);
}

const char *order_str(enum word_order order)
{
    return word_of(orders, order);
}

const struct word role_words[] = {{"pm1", 0},
                                  {"pm25", 1},
                                  {"pm10", 2},
                                  {"tsp", 3},
                                  {"wind_speed", 4},
                                  {"wind_direction", 5},
                                  {"temperature", 6},
                                  {"humidity", 7},
                                  {"pressure", 8},
                                  {"noise", 9},
                                  {"rain", 10},
                                  {"flow", 11},
                                  {"flow_total", 12},
                                  {"water_pressure", 13},
                                  {"spray_command", 14},
                                  {"spray_feedback", 15},
                                  {"gate", 16},       /* 1: open */
                                  {"wash", 17},       /* 1: the wash bay's pump runs */
                                  {"wash_entry", 18}, /* 1: a vehicle stands at its entry */
                                  {"door", 19},       /* 1: the cabinet is open */
                                  {"power", 20},      /* 1: the mains are there */
                                  {"tilt", 21},
                                  {"latitude", 22},
                                  {"longitude", 23},
                                  {0}};

enum { WATCH_PERIOD_MS = 3600000 }; /* rarely: it costs the measuring points their time */

static const char *check_format(const char *text)
{
    bool fits = strlen(text) == 3 && strchr("78", text[0]) && strchr("NEO", text[1]) && strchr("12", text[2]);
    return fits ? NULL : "data bits, parity and stop bits, such as 8N1 or 8E1";
}

static const struct setting point_rows[] = {
    {"name", SETTING_KEY, FIELD(struct point, name), .meaning = "name of the point"},
    {"title", SETTING_TITLE, FIELD(struct point, title_zh), .meaning = "as shown; the name when absent"},
    {"unit", SETTING_UNIT, FIELD(struct point, unit), .meaning = "of the value after scale and offset"},
    {"role", SETTING_WORD, FIELD(struct point, role), .words = role_words, .meaning = "what it is good for"},
    {"table", SETTING_CHOICE, FIELD(struct point, table), .absent = "holding", .words = tables,
     .meaning = "read by function code 1, 2, 3, 4"},
    {"address", SETTING_ADDRESS, FIELD(struct point, address), .required = true, .high = "65535",
     .meaning = "protocol address, from 0 unless base says otherwise"},
    {"type", SETTING_CHOICE, FIELD(struct point, type), .required = true, .words = types,
     .meaning = "what the registers hold"},
    {"order", SETTING_CHOICE, FIELD(struct point, order), .absent = "abcd", .words = orders,
     .meaning = "bytes on the wire of a value ABCD"},
    {"bit", SETTING_INT, FIELD(struct point, bit), .absent = "-1", .low = "-1", .high = "15",
     .meaning = "of a register, for type bit; -1 none"},
    {"scale", SETTING_NUMBER, FIELD(struct point, scale), .absent = "1",
     .meaning = "value = raw * scale + offset"},
    {"offset", SETTING_NUMBER, FIELD(struct point, offset), .absent = "0", .meaning = "in the unit"},
    {"decimals", SETTING_INT, FIELD(struct point, decimals), .absent = "0", .low = "0", .high = "6",
     .meaning = "shown and published"},
    {"low", SETTING_NUMBER, FIELD(struct point, low), .meaning = "below it the reading is a fault"},
    {"high", SETTING_NUMBER, FIELD(struct point, high), .meaning = "top of the measuring range"},
    {"invalid", SETTING_RAWS, FIELD(struct point, invalid), COUNT(struct point, ninvalid),
     .meaning = "raw values that mean: no value"},
    {"usual_low", SETTING_NUMBER, FIELD(struct point, usual_low),
     .meaning = "a value below it is hardly believable; low when absent"},
    {"usual_high", SETTING_NUMBER, FIELD(struct point, usual_high),
     .meaning = "a value above it is hardly believable; high when absent"},
    {"period", SETTING_DURATION, FIELD(struct point, period_ms), .low = "100ms", .high = "1d",
     .meaning = "time between two readings, when longer than the device's; over 60s only with watch"},
    {"spike", SETTING_NUMBER, FIELD(struct point, spike),
     .meaning = "a value further than this from the one before is read again at once"},
    {"writable", SETTING_BOOL, FIELD(struct point, writable), .absent = "false", .meaning = "may be written"},
    {"watch", SETTING_BOOL, FIELD(struct point, watch), .absent = "false",
     .meaning = "a setting of the device: read each hour unless period says otherwise, a change is a row"},
    {0},
};

static const struct schema point_schema = {"point", sizeof(struct point), point_rows, NULL,
                                           profile_check_point};

static const struct setting example_rows[] = {
    {"title", SETTING_TEXT, FIELD(struct example, title), .required = true, .meaning = "what is asked"},
    {"source", SETTING_TEXT, FIELD(struct example, source), .meaning = "when it is not the profile's"},
    {"request", SETTING_TEXT, FIELD(struct example, request), .required = true,
     .meaning = "in hexadecimal, unit to CRC"},
    {"response", SETTING_TEXT, FIELD(struct example, response),
     .meaning = "in hexadecimal, unit to CRC; absent when the manual shows none"},
    {"misprint", SETTING_TEXT, FIELD(struct example, misprint),
     .meaning = "the request as the manual shows it, when that is wrong"},
    {"values", SETTING_TEXTS, FIELD(struct example, values), COUNT(struct example, nvalues),
     .meaning = "what the response says: \"pm10 66 ug/m3\", or \"pm10 -\" for no value"},
    {0},
};
static const struct schema example_schema = {"example", sizeof(struct example), example_rows, NULL, NULL};

static const struct setting profile_rows[] = {
    {"title", SETTING_TITLE, FIELD(struct profile, title_zh), .required = true,
     .meaning = "what people call it"},
    {"vendor", SETTING_TEXT, FIELD(struct profile, vendor), .meaning = "who makes it"},
    {"source", SETTING_TEXT, FIELD(struct profile, source), .meaning = "where the map was seen"},
    {"doubt", SETTING_TEXT, FIELD(struct profile, doubt), .meaning = "what is not proven"},
    {"baud", SETTING_CHOICE, FIELD(struct profile, baud), .words = baud_words, .meaning = "factory setting"},
    {"format", SETTING_TEXT, FIELD(struct profile, parity), .check = check_format,
     .meaning = "factory setting, 8N1"},
    {"unit_id", SETTING_INT, FIELD(struct profile, unit_id), .low = "1", .high = "255",
     .meaning = "factory setting"},
    {"turnaround", SETTING_DURATION, FIELD(struct profile, turnaround_ms), .low = "0ms", .high = "5s",
     .meaning = "silence it needs after an answer"},
    {"timeout", SETTING_DURATION, FIELD(struct profile, timeout_ms), .low = "0ms", .high = "10s",
     .meaning = "longest it thinks before it answers"},
    {"base", SETTING_CHOICE, FIELD(struct profile, base), .words = base_words,
     .meaning =
         "number of the first register where the addresses come from; 40001: 1, 10001, 30001 and 40001 "
         "are the firsts of coil, discrete, input and holding"},
    {"max_registers", SETTING_INT, FIELD(struct profile, max_registers), .absent = "125", .low = "1",
     .high = "125", .meaning = "per request"},
    {"points", SETTING_KEYED, FIELD(struct profile, points), COUNT(struct profile, npoints), .required = true,
     .sub = &point_schema, .meaning = "what can be read"},
    {"examples", SETTING_LIST, FIELD(struct profile, examples), COUNT(struct profile, nexamples),
     .sub = &example_schema,
     .meaning = "frames of the manual; they are replayed whenever the profile is read"},
    {0},
};

const struct schema profile_schema = {"profile", sizeof(struct profile), profile_rows, NULL, profile_check};

/* The name is the file's; a point without title is called by its name. */
static void name_things(struct profile *p, const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *dot = strrchr(base, '.');
    p->name = mem_string_n(base, dot ? (size_t)(dot - base) : strlen(base));
    for (int i = 0; i < p->npoints; i++) {
        struct point *point = &p->points[i];
        if (point->title_zh[0] || point->title_en[0])
            continue;
        mem_free((char *)point->title_zh);
        mem_free((char *)point->title_en);
        point->title_zh = mem_string(point->name);
        point->title_en = mem_string(point->name);
    }
}

/* From here on addresses count from 0, and what is watched has a period. */
static void settle_points(struct profile *p)
{
    for (int i = 0; i < p->npoints; i++) {
        struct point *point = &p->points[i];
        profile_settle(p->base, point);
        if (point->watch && !point->period_ms)
            point->period_ms = WATCH_PERIOD_MS;
    }
    p->base = BASE_0;
}

int profile_load(const char *file, struct profile **out, struct complaint *why)
{
    struct profile *p = mem_new(struct profile);
    int error = schema_load(&profile_schema, file, p, NULL, why);
    if (error) {
        mem_free(p);
        return error;
    }
    name_things(p, file);
    settle_points(p);
    *out = p;
    return ERR_OK;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    mem_free((char *)p->name);
    schema_finish(&profile_schema, p);
    mem_free(p);
}

void profile_print(const struct profile *p, int indent, struct buf *out)
{
    schema_print(&profile_schema, p, indent, out);
}
