/* Settings of the checks of data quality, the section `quality:`. Most defaults are a [proposal]: no
 * standard gives them. A duration or number of 0 switches its check off. */
#ifndef DUST_CONFIG_QUALITY_H
#define DUST_CONFIG_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

struct quality_config {
    int64_t hole_ms;    /* a run goes on over so much without a value */
    int64_t offline_ms; /* without communication */
    int64_t zero_ms;    /* at or below 0 */
    int64_t flat_ms;    /* one and the same value; */
    double flat_low;    /* below this, in ug/m3, integer meters stand still by nature: */
    int64_t flat_low_ms;
    int64_t plateau_ms;               /* just below a round number */
    double plateau_span, other_rise;  /* %: within this; while another meter's value rose by */
    double spike_factor, spike_floor; /* times the MAD of 30 min, but at least so many ug/m3 */
    int64_t range_ms;                 /* over the meter's range */
    int64_t inversion_ms;
    double inversion;                  /* %: PM2.5 over PM10, PM10 over TSP by more than this */
    int64_t copy_ms;                   /* the same values as another meter, or as itself a day before */
    double spray_humidity, spray_drop; /* %: in 5 min */
    double damp;                       /* %: relative humidity above which light scattering reads high, */
    int64_t damp_ms;                   /* for so long */
    int64_t background_ms;
    double background;  /* %: of the background, below which a site is hardly ever */
    bool watch, door;   /* settings of a device; the cabinet */
    const char *night;  /* "22:00-06:00": no hours for maintenance; "" any */
    int services;       /* maintenances and calibrations of a device in 7 days */
    const char *person; /* who answers for the data; "" nobody, then only rows */
    int64_t answer_ms, rectify_ms;
    int64_t power_ms;   /* without mains */
    double tilt, moved; /* deg, m: from where it was set up, or left by whoever served it */
};

struct schema;
extern const struct schema quality_schema; /* of struct quality_config */

#endif
