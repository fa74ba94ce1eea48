#include "daemon/replay/format.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_rows(const char *line)
{
    return line[0] == '{';
}

static bool is_digits(const char *text, size_t n)
{
    return strspn(text, "0123456789") >= n;
}

/* "2021-01-17T00:00:09 A2527B225C…" */
static bool is_station(const char *line)
{
    return is_digits(line, 4) && line[4] == '-' && strlen(line) > 30 && line[10] == 'T' && line[19] == ' ' &&
           line[20] == 'A' && is_digits(line + 21, 1);
}

static bool is_csv(const char *line)
{
    return strpbrk(line, ",;\t") != NULL;
}

#define NOTHING                                                                 \
    {                                                                           \
        "", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", "--", "—" \
    }

/* The first that fits counts. The units of headers that have none come from the description of the data set.
 */
static const struct format formats[] = {
    {.name = "export or rows of dustd", .shape = FORMAT_ROWS, .is = is_rows, .zone_min = FORMAT_SITE_ZONE},
    /* a private weather and dust station in Guangdong, Loongle/weather-data; ambient values of its sensor */
    {.name = "serial log of a weather station",
     .shape = FORMAT_STATION,
     .is = is_station,
     .zone_min = FORMAT_SITE_ZONE,
     .columns = {{"pm1", "pm1", "ug/m3"},
                 {"pm25", "pm25", "ug/m3"},
                 {"pm10", "pm10", "ug/m3"},
                 {"wind_direction", "wind_direction", "deg"},
                 {"wind_speed", "wind_speed", "m/s"},
                 {"temperature", "temperature", "degC"},
                 {"humidity", "humidity", "%"},
                 {"pressure", "pressure", "hPa"},
                 {0}}},
    /* UCI 501 (S. X. Chen): hourly means of twelve stations in Beijing */
    {.name = "hours of a Beijing station (UCI 501)",
     .shape = FORMAT_CSV,
     .is = is_csv,
     .header = "time,pm25,pm10,temp_c,pres_hpa,dewp_c,rain_mm,wd,ws_ms",
     .zone_min = 480,
     .in_order = true,
     .missing = NOTHING,
     .columns = {{"pm25", "pm25", "ug/m3"},
                 {"pm10", "pm10", "ug/m3"},
                 {"temp_c", "temperature", "degC"},
                 {"pres_hpa", "pressure", "hPa"},
                 {"dewp_c", NULL, NULL},
                 {"rain_mm", "rain", "mm"},
                 {"wd", NULL, NULL}, /* sixteen points of the compass as letters */
                 {"ws_ms", "wind_speed", "m/s"},
                 {0}}},
    /* luftdaten.info, SDS011 */
    {.name = "readings of an SDS011 (luftdaten.info)",
     .shape = FORMAT_CSV,
     .is = is_csv,
     .header = "time_utc,pm10,pm25",
     .in_order = true,
     .missing = NOTHING,
     .columns = {{"pm10", "pm10", "ug/m3"}, {"pm25", "pm25", "ug/m3"}, {0}}},
    /* N. Webb, Jornada: mountain standard time; the wind at 4.8 m */
    {.name = "minutes of wind at Jornada",
     .shape = FORMAT_CSV,
     .is = is_csv,
     .header = "event,site,time_mst,rain_mm,t2m_c,ws48_max_ms,wd_deg,ws48_avg_ms,ws24_ms,ws14_ms,ws07_ms",
     .zone_min = -420,
     .in_order = true,
     .missing = NOTHING,
     .columns = {{"rain_mm", "rain", "mm"},
                 {"t2m_c", "temperature", "degC"},
                 {"wd_deg", "wind_direction", "deg"},
                 {"ws48_avg_ms", "wind_speed", "m/s"},
                 {0}}},
    {.name = "CSV with a header",
     .shape = FORMAT_CSV,
     .is = is_csv,
     .zone_min = FORMAT_SITE_ZONE,
     .in_order = true,
     .missing = NOTHING},
};

const struct format *format_of(const char *first_line)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].is(first_line) && (!formats[i].header || strcmp(formats[i].header, first_line) == 0))
            return &formats[i];
    return NULL;
}

const struct format *format_at(int i)
{
    return i >= 0 && (size_t)i < sizeof formats / sizeof *formats ? &formats[i] : NULL;
}

bool format_is_missing(const struct format *f, const char *text)
{
    for (int i = 0; f->missing[i]; i++)
        if (strcmp(f->missing[i], text) == 0)
            return true;
    return false;
}

const char *format_role(const char *header)
{
    static const char *const names[][2] = {
        {"PM2.5", "pm25"},        {"PM2_5", "pm25"},       {"ws", "wind_speed"},
        {"wd", "wind_direction"}, {"temp", "temperature"}, {"rh", "humidity"},
        {"总悬浮颗粒物", "tsp"},  {"风速", "wind_speed"},  {"风向", "wind_direction"},
        {"温度", "temperature"},  {"气温", "temperature"}, {"湿度", "humidity"},
        {"气压", "pressure"},     {"噪声", "noise"},       {"雨量", "rain"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i][0], header) == 0)
            return names[i][1];
    return header;
}

const char *const format_time_headers[] = {"time",     "time_utc", "time_mst", "timestamp", "datetime",
                                           "date",     "ts",       "时间",     "监测时间",  "采集时间",
                                           "数据时间", "日期",     NULL};
