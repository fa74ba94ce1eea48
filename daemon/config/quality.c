/* The section `quality:`, one row a setting. */
#include "daemon/config/quality.h"

#include "daemon/base/err.h"
#include "daemon/base/hours.h"
#include "daemon/base/schema.h"

static const char *check_night(const char *text)
{
    struct hours h;
    return !text[0] || hours_parse(text, &h) == ERR_OK ? NULL : "hours such as 22:00-06:00, or nothing";
}

#define AFTER(text) .low = "0s", .high = "7d", .absent = text
#define SHARE(text) .low = "0 %", .high = "1000 %", .unit = "%", .absent = text

static const struct setting rows[] = {
    {"hole", SETTING_DURATION, FIELD(struct quality_config, hole_ms), AFTER("10min"),
     .meaning = "what lasts goes on over so long without a value"},
    {"offline_after", SETTING_DURATION, FIELD(struct quality_config, offline_ms), AFTER("30min"),
     .meaning = "without communication: offline; 0s, here and below: not looked for"},
    {"zero_after", SETTING_DURATION, FIELD(struct quality_config, zero_ms), AFTER("10min"),
     .meaning = "at or below 0: no measurement"},
    {"flatline_after", SETTING_DURATION, FIELD(struct quality_config, flat_ms), AFTER("1h"),
     .meaning = "one and the same value: stuck"},
    {"flatline_low", SETTING_QUANTITY, FIELD(struct quality_config, flat_low), .absent = "20 ug/m3",
     .low = "0 ug/m3", .high = "1000 ug/m3", .unit = "ug/m3",
     .meaning = "below this a meter that counts in whole numbers stands still by nature"},
    {"flatline_low_after", SETTING_DURATION, FIELD(struct quality_config, flat_low_ms), AFTER("3h"),
     .meaning = "and there it is stuck only after this"},
    {"plateau_after", SETTING_DURATION, FIELD(struct quality_config, plateau_ms), AFTER("30min"),
     .meaning = "just below a round number while another meter rises: compressed"},
    {"plateau_span", SETTING_QUANTITY, FIELD(struct quality_config, plateau_span), SHARE("2 %"),
     .meaning = "what still counts as the same, and as just below"},
    {"plateau_rise", SETTING_QUANTITY, FIELD(struct quality_config, other_rise), SHARE("30 %"),
     .meaning = "by which the other has risen"},
    {"spike_factor", SETTING_NUMBER, FIELD(struct quality_config, spike_factor), .absent = "5", .low = "0",
     .high = "100",
     .meaning = "a single sample so many times the median deviation of 30 min off is in no mean; 0: none"},
    {"spike_floor", SETTING_QUANTITY, FIELD(struct quality_config, spike_floor), .absent = "100 ug/m3",
     .low = "0 ug/m3", .high = "10000 ug/m3", .unit = "ug/m3", .meaning = "but at least by so much"},
    {"over_range_after", SETTING_DURATION, FIELD(struct quality_config, range_ms), AFTER("1min"),
     .meaning = "at the top of the meter's range: said, and counted as a lower bound"},
    {"inversion_after", SETTING_DURATION, FIELD(struct quality_config, inversion_ms), AFTER("3h"),
     .meaning = "PM2.5 over PM10, or PM10 over TSP, of one device: no measurement"},
    {"inversion_margin", SETTING_QUANTITY, FIELD(struct quality_config, inversion), SHARE("10 %"),
     .meaning = "by more than this"},
    {"copy_after", SETTING_DURATION, FIELD(struct quality_config, copy_ms), AFTER("30min"),
     .meaning = "the same changing values as another device, or as itself a day before: copied"},
    {"spray_humidity", SETTING_QUANTITY, FIELD(struct quality_config, spray_humidity), SHARE("15 %"),
     .meaning = "by which humidity rises in 5 min when the inlet is sprayed; 0 %: not looked for"},
    {"spray_drop", SETTING_QUANTITY, FIELD(struct quality_config, spray_drop), SHARE("50 %"),
     .meaning = "by which dust falls then, with a steady wind and the spray on"},
    {"high_rh", SETTING_QUANTITY, FIELD(struct quality_config, damp), .absent = "90 %", .low = "0 %",
     .high = "100 %", .unit = "%",
     .meaning = "relative humidity over which dust is tagged high_rh, as light scattering reads high there "
                "[newhan.cn]; the values stay as they are; 0 %: no tag"},
    {"high_rh_after", SETTING_DURATION, FIELD(struct quality_config, damp_ms), AFTER("10min"),
     .meaning = "so damp for so long: tagged, from the first minute on [proposal]"},
    {"background_after", SETTING_DURATION, FIELD(struct quality_config, background_ms), AFTER("3h"),
     .meaning = "hours below a share of the background: too clean to be true"},
    {"background_share", SETTING_QUANTITY, FIELD(struct quality_config, background), SHARE("50 %"),
     .meaning = "that share"},
    {"settings_watched", SETTING_BOOL, FIELD(struct quality_config, watch), .absent = "true",
     .meaning = "a setting of a device (profile: watch) that changes outside maintenance: tampered with"},
    {"door_watched", SETTING_BOOL, FIELD(struct quality_config, door), .absent = "true",
     .meaning = "a cabinet opened outside maintenance"},
    {"power_lost_after", SETTING_DURATION, FIELD(struct quality_config, power_ms), AFTER("1min"),
     .meaning = "a cabinet without mains, outside the hours of power_off"},
    {"tilted_by", SETTING_QUANTITY, FIELD(struct quality_config, tilt), .absent = "10 deg", .low = "0 deg",
     .high = "180 deg", .unit = "deg",
     .meaning = "a cabinet that leans otherwise than when it was left last; 0 deg: not looked for"},
    {"moved_by", SETTING_QUANTITY, FIELD(struct quality_config, moved), .absent = "50 m", .low = "0 m",
     .high = "10000 m", .unit = "m",
     .meaning = "a cabinet that stands elsewhere than when it was left last; 0 m: not looked for"},
    {"service_night", SETTING_TEXT, FIELD(struct quality_config, night), .absent = "22:00-06:00",
     .check = check_night, .meaning = "maintenance or calibration in these hours is a finding"},
    {"service_per_week", SETTING_INT, FIELD(struct quality_config, services), .absent = "3", .low = "0",
     .high = "100", .meaning = "more maintenances of one device in 7 days are a finding; 0: any number"},
    {"person", SETTING_REF, FIELD(struct quality_config, person), .of = "people",
     .meaning = "who answers for the data; without, findings are rows and open no issue"},
    {"answer_within", SETTING_DURATION, FIELD(struct quality_config, answer_ms), .absent = "12h",
     .low = "1min", .high = "30d", .meaning = "from finding to the first answer"},
    {"rectify_within", SETTING_DURATION, FIELD(struct quality_config, rectify_ms), .absent = "48h",
     .low = "1min", .high = "365d", .meaning = "from finding to the end of the work"},
    {0},
};

const struct schema quality_schema = {"quality", sizeof(struct quality_config), rows, NULL, NULL};
