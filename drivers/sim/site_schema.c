/* Every key of a site file is one row here. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "drivers/sim/model.h"
#include "drivers/sim/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct site_format site_formats[] = {
    {"8N1", 10},
    {"8N2", 11},
    {"8E1", 11},
    {"8O1", 11},
};

static const struct word formats[] = {{"8N1", 0}, {"8N2", 1}, {"8E1", 2}, {"8O1", 3}, {0}};

static const struct word transports[] = {
    {"rtu", TRANSPORT_RTU}, {"tcp", TRANSPORT_TCP}, {"rtu_over_tcp", TRANSPORT_RTU_OVER_TCP}, {0}};

static const struct word tape_formats[] = {{"csv", TAPE_CSV}, {"guangdong-raw", TAPE_GUANGDONG_RAW}, {0}};

static const struct word fault_kinds[] = {{"silent", FAULT_SILENT},       {"crc", FAULT_CRC},
                                          {"late", FAULT_LATE},           {"exception", FAULT_EXCEPTION},
                                          {"truncated", FAULT_TRUNCATED}, {"wrong_unit", FAULT_WRONG_UNIT},
                                          {"drip", FAULT_DRIP},           {"garbage", FAULT_GARBAGE},
                                          {"unplug", FAULT_UNPLUG},       {"stuck", FAULT_STUCK},
                                          {"invalid", FAULT_INVALID},     {0}};

static const struct word fault_clocks[] = {
    {"site", FAULT_SITE}, {"wire", FAULT_WIRE}, {"polls", FAULT_POLLS}, {0}};

static const char *check_day_time(const char *text)
{
    int hour, minute, n = 0;
    bool good = sscanf(text, "%2d:%2d%n", &hour, &minute, &n) == 2 && n == 5 && !text[5] && hour >= 0 &&
                hour < 24 && minute >= 0 && minute < 60;
    return good ? NULL : "a time of day, \"07:30\"";
}

static const char *check_zone(const char *text)
{
    char stamp[48];
    int64_t at;
    snprintf(stamp, sizeof stamp, "2026-01-01T00:00%.8s", text);
    return strlen(text) == 6 && clock_parse(stamp, &at) == ERR_OK ? NULL : "a zone, \"+08:00\"";
}

static const char *check_stamp(const char *text)
{
    int64_t at;
    return tape_stamp(text, 0, &at) == ERR_OK ? NULL : "a stamp, \"2026-05-01T08:00+08:00\"";
}

static const char *check_moment(const char *text)
{
    int64_t value;
    bool good = scalar_duration(text, &value) == ERR_OK || clock_parse(text, &value) == ERR_OK ||
                (scalar_int(text, &value) == ERR_OK && value >= 0);
    return good ? NULL : "a duration since the start, \"90s\", a stamp, or with clock: polls a number";
}

/* A time of day, with its default or `.required`; and a number that is 0 when it is not there. */
#define DAY_TIME(key, type, member, about, ...)                                                          \
    {                                                                                                    \
        key, SETTING_TEXT, FIELD(struct type, member.text), .check = check_day_time, .meaning = (about), \
                                                            __VA_ARGS__                                  \
    }
#define NUMBER(key, type, member, lowest, about)                                                            \
    {                                                                                                       \
        key, SETTING_NUMBER, FIELD(struct type, member), .absent = "0", .low = (lowest), .meaning = (about) \
    }

static const struct setting daily_rows[] = {
    NUMBER("amplitude", model_daily, amplitude, NULL, "half the difference between top and bottom"),
    DAY_TIME("peak", model_daily, peak, "when it is highest", .absent = "09:00"),
    {0}};
static const struct setting burst_rows[] = {
    NUMBER("height", model_bursts, height, NULL, "at the top of the strongest"),
    {"every", SETTING_DURATION, FIELD(struct model_bursts, every_ms), .absent = "40min", .low = "1min",
     .high = "1d", .meaning = "one burst in each"},
    {"lasts", SETTING_DURATION, FIELD(struct model_bursts, lasts_ms), .absent = "10min", .low = "1s",
     .high = "1d", .meaning = "mean length"},
    DAY_TIME("from", model_bursts, from, "start of work", .absent = "07:00"),
    DAY_TIME("to", model_bursts, to, "end of work", .absent = "19:00"),
    {0}};
static const struct setting wander_rows[] = {
    NUMBER("amplitude", model_wander, amplitude, NULL, "how far it drifts"),
    {"period", SETTING_DURATION, FIELD(struct model_wander, period_ms), .absent = "10min", .low = "1s",
     .high = "7d", .meaning = "how long it takes to turn"},
    {0}};
static const struct schema daily = {"daily", sizeof(struct model_daily), daily_rows, NULL, NULL};
static const struct schema bursts = {"bursts", sizeof(struct model_bursts), burst_rows, NULL, NULL};
static const struct schema wander = {"wander", sizeof(struct model_wander), wander_rows, NULL, NULL};

static const struct setting step_rows[] = {
    DAY_TIME("from", model_step, from, "time of day", .required = true),
    DAY_TIME("to", model_step, to, "time of day", .required = true),
    {"value", SETTING_NUMBER, FIELD(struct model_step, value), .required = true, .meaning = "the value"},
    {0}};
static const struct schema step = {"step", sizeof(struct model_step), step_rows, NULL, NULL};

static const struct setting model_rows[] = {
    {"point", SETTING_KEY, FIELD(struct model, point), .meaning = "point of the profile"},
    NUMBER("constant", model, constant, NULL, "what the other parts are added to"),
    {"daily", SETTING_MAP, FIELD(struct model, daily), .sub = &daily, .meaning = "daily course"},
    {"bursts", SETTING_MAP, FIELD(struct model, bursts), .sub = &bursts, .meaning = "construction work"},
    {"wander", SETTING_MAP, FIELD(struct model, wander), .sub = &wander, .meaning = "smooth drift, wind"},
    {"steps", SETTING_LIST, FIELD(struct model, steps), COUNT(struct model, nsteps), .sub = &step,
     .meaning = "each day from..to the value is this"},
    NUMBER("noise", model, noise, "0", "standard deviation"),
    {"of", SETTING_TEXT, FIELD(struct model, of), .meaning = "follows another point of the unit"},
    {"ratio", SETTING_NUMBER, FIELD(struct model, ratio), .absent = "1", .meaning = "times that"},
    NUMBER("wrap", model, wrap, "0", "a circle: 360"),
    {"with", SETTING_REF, FIELD(struct model, with), .of = "switches", .meaning = "a switch acts on it"},
    {"lowers", SETTING_NUMBER, FIELD(struct model, lowers), .absent = "0", .low = "0", .high = "1",
     .meaning = "share the switch takes away"},
    NUMBER("adds", model, adds, NULL, "what the switch adds"),
    NUMBER("adds_per_h", model, adds_per_h, NULL, "what each hour of the switch adds"),
    {0}};
static const struct schema model = {"point", sizeof(struct model), model_rows, NULL, NULL};

static const struct setting column_rows[] = {{"point", SETTING_NAME, FIELD(struct tape_column, point),
                                              .required = true, .meaning = "point of the profile"},
                                             {"column", SETTING_TEXT, FIELD(struct tape_column, column),
                                              .required = true, .meaning = "column of the file"},
                                             {0}};
static const struct schema column = {"column", sizeof(struct tape_column), column_rows, NULL, NULL};

static const struct setting tape_rows[] = {
    {"file", SETTING_TEXT, FIELD(struct tape_setup, file), .meaning = "recording, plain or .gz"},
    {"format", SETTING_CHOICE, FIELD(struct tape_setup, format), .absent = "csv", .words = tape_formats,
     .meaning = "of the file"},
    {"columns", SETTING_LIST, FIELD(struct tape_setup, columns), COUNT(struct tape_setup, ncolumns),
     .sub = &column, .meaning = "which column each point takes"},
    {"hold", SETTING_INT, FIELD(struct tape_setup, hold), .absent = "1", .low = "1", .high = "1000000",
     .meaning = "polls each line lasts"},
    {"time", SETTING_TEXT, FIELD(struct tape_setup, time), .absent = "time",
     .meaning = "column of the stamp"},
    {"from", SETTING_TEXT, FIELD(struct tape_setup, from), .check = check_stamp, .meaning = "first stamp"},
    {"to", SETTING_TEXT, FIELD(struct tape_setup, to), .check = check_stamp, .meaning = "end of the stamps"},
    {"repeat", SETTING_BOOL, FIELD(struct tape_setup, repeat), .absent = "false",
     .meaning = "begin again after the last line"},
    {0}};
static const struct schema tape = {"replay", sizeof(struct tape_setup), tape_rows, NULL, NULL};

static const struct setting unit_rows[] = {
    {"name", SETTING_KEY, FIELD(struct station_setup, name), .meaning = "name of the unit"},
    {"bus", SETTING_REF, FIELD(struct station_setup, bus), .required = true, .of = "buses",
     .meaning = "the bus it is on"},
    {"profile", SETTING_NAME, FIELD(struct station_setup, profile_name), .required = true,
     .meaning = "device profile"},
    {"unit_id", SETTING_INT, FIELD(struct station_setup, unit_id), .required = true, .low = "1",
     .high = "255", .meaning = "Modbus address"},
    {"turnaround", SETTING_DURATION, FIELD(struct station_setup, turnaround_ms), .absent = "10ms",
     .low = "0ms", .high = "10s", .meaning = "wire time from request to answer"},
    {"silence", SETTING_BOOL, FIELD(struct station_setup, silence), .absent = "false",
     .meaning = "before that, 3.5 characters of silence tell it that the request is over"},
    {"strict", SETTING_BOOL, FIELD(struct station_setup, strict), .absent = "false",
     .meaning = "gaps between points cannot be read"},
    {"points", SETTING_KEYED, FIELD(struct station_setup, models), COUNT(struct station_setup, nmodels),
     .sub = &model, .meaning = "what it measures"},
    {"replay", SETTING_MAP, FIELD(struct station_setup, tape), .sub = &tape,
     .meaning = "recorded data, a line each poll"},
    {0}};
static const struct schema unit = {"unit", sizeof(struct station_setup), unit_rows, NULL, NULL};

#define ON(transport) (1u << TRANSPORT_##transport)
static const struct setting bus_rows[] = {
    {"transport", SETTING_CHOICE, FIELD(struct bus_setup, transport), .absent = "rtu", .words = transports,
     .meaning = "kind of line"},
    {"name", SETTING_KEY, FIELD(struct bus_setup, name), .meaning = "name of the bus"},
    {"link", SETTING_TEXT, FIELD(struct bus_setup, link), .required = true, .only = ON(RTU), .high = "200",
     .meaning = "path of the symbolic link to the terminal"},
    {"port", SETTING_INT, FIELD(struct bus_setup, port), .absent = "0", .low = "0", .high = "65535",
     .only = ON(TCP) | ON(RTU_OVER_TCP), .meaning = "on 127.0.0.1; 0: a free one"},
    {"baud", SETTING_INT, FIELD(struct bus_setup, baud), .absent = "9600", .low = "300", .high = "1000000",
     .only = ON(RTU) | ON(RTU_OVER_TCP), .meaning = "bits a second"},
    {"format", SETTING_CHOICE, FIELD(struct bus_setup, format), .absent = "8N1", .words = formats,
     .only = ON(RTU) | ON(RTU_OVER_TCP), .meaning = "bits of a character"},
    {0}};
static const struct schema bus = {"bus", sizeof(struct bus_setup), bus_rows, &bus_rows[0], NULL};

static const struct setting switch_rows[] = {
    {"name", SETTING_KEY, FIELD(struct switch_setup, name), .meaning = "name of the switch"},
    {"unit", SETTING_REF, FIELD(struct switch_setup, unit), .required = true, .of = "units",
     .meaning = "the relay's unit"},
    {"point", SETTING_NAME, FIELD(struct switch_setup, point), .required = true, .meaning = "its coil"},
    {"time_constant", SETTING_DURATION, FIELD(struct switch_setup, constant_ms), .absent = "60s",
     .low = "0ms", .high = "1d", .meaning = "site time to 63 % of the effect"},
    {0}};
static const struct schema switches = {"switch", sizeof(struct switch_setup), switch_rows, NULL, NULL};

static const struct setting fault_rows[] = {
    {"kind", SETTING_CHOICE, FIELD(struct fault, kind), .required = true, .words = fault_kinds,
     .meaning = "what goes wrong"},
    {"clock", SETTING_CHOICE, FIELD(struct fault, clock), .absent = "site", .words = fault_clocks,
     .meaning = "what from and to count"},
    {"unit", SETTING_REF, FIELD(struct fault, unit), .of = "units", .meaning = "the unit"},
    {"bus", SETTING_REF, FIELD(struct fault, bus), .of = "buses", .meaning = "the bus, all its units"},
    {"point", SETTING_NAME, FIELD(struct fault, point), .only = 1u << FAULT_STUCK | 1u << FAULT_INVALID,
     .meaning = "only this point"},
    {"from", SETTING_TEXT, FIELD(struct fault, from), .check = check_moment, .meaning = "begin"},
    {"to", SETTING_TEXT, FIELD(struct fault, to), .check = check_moment, .meaning = "end"},
    {"every", SETTING_DURATION, FIELD(struct fault, every_ms), .absent = "0ms", .low = "0ms", .high = "7d",
     .meaning = "again after"},
    {"probability", SETTING_NUMBER, FIELD(struct fault, probability), .absent = "1", .low = "0", .high = "1",
     .meaning = "of each poll in the range"},
    {"by", SETTING_DURATION, FIELD(struct fault, by_ms), .required = true, .low = "1ms", .high = "60s",
     .only = 1u << FAULT_LATE | 1u << FAULT_DRIP, .meaning = "wire time: late by, or from byte to byte"},
    {"code", SETTING_INT, FIELD(struct fault, code), .absent = "4", .low = "1", .high = "255",
     .only = 1u << FAULT_EXCEPTION, .meaning = "exception code"},
    {0}};
static const struct schema fault = {"fault", sizeof(struct fault), fault_rows, &fault_rows[0], NULL};

static const struct setting site_rows[] = {
    {"seed", SETTING_ADDRESS, FIELD(struct site, seed), .absent = "1", .meaning = "of all that is random"},
    {"zone", SETTING_TEXT, FIELD(struct site, zone), .absent = "+08:00", .check = check_zone,
     .meaning = "of the times of day"},
    {"buses", SETTING_KEYED, FIELD(struct site, buses), COUNT(struct site, nbuses), .required = true,
     .sub = &bus, .meaning = "lines"},
    {"units", SETTING_KEYED, FIELD(struct site, units), COUNT(struct site, nunits), .required = true,
     .sub = &unit, .meaning = "units on them"},
    {"switches", SETTING_KEYED, FIELD(struct site, switches), COUNT(struct site, nswitches), .sub = &switches,
     .meaning = "coils that act on what is measured"},
    {"faults", SETTING_LIST, FIELD(struct site, faults), COUNT(struct site, nfaults), .sub = &fault,
     .meaning = "what goes wrong, and when"},
    {0}};
const struct schema site_schema = {"site", sizeof(struct site), site_rows, NULL, NULL};
