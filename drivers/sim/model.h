/* What a simulated point measures, as a function of site time and seed alone: the same seed gives the same
 * values at the same moments, however often it is asked. Pure, any thread. The shapes are plausible, not
 * measured: they exercise a program, they prove nothing about dust. */
#ifndef DUST_SIM_MODEL_H
#define DUST_SIM_MODEL_H

#include <stdint.h>

/* A time of day, "07:30": the text as written, and ms after midnight in the site's zone. */
struct day_time {
    const char *text;
    int64_t ms;
};

struct model_step { /* each day from..to the value is this, whatever the rest says */
    struct day_time from, to;
    double value;
};

struct model_daily {
    double amplitude; /* highest at `peak`, lowest half a day later */
    struct day_time peak;
};

struct model_bursts { /* one in each `every`, at a random moment, when that falls into from..to */
    double height;
    int64_t every_ms, lasts_ms;
    struct day_time from, to;
};

struct model_wander { /* drifts smoothly within about +-amplitude: wind, temperature */
    double amplitude;
    int64_t period_ms;
};

/* The sum of its parts; one with amplitude or height 0 is absent. */
struct model {
    const char *point; /* of the profile */
    double constant;
    struct model_daily daily;
    struct model_bursts bursts;
    struct model_wander wander;
    struct model_step *steps;
    int nsteps;
    double noise;   /* standard deviation, anew each second of site time */
    const char *of; /* instead of all above but noise: `ratio` times another point of the unit; "" none */
    double ratio;
    double wrap;         /* a circle: 360 for a direction; 0 none */
    const char *with;    /* a switch ("" none): fully on it takes the share `lowers` (0 to 1) of the value, */
    double lowers, adds; /* and adds `adds`; each hour it has been on adds `adds_per_h` */
    double adds_per_h;
};

/* How far a switch has taken effect (0 to 1) and for how long in all. */
struct model_effect {
    double level, hours;
};

/* The parts that depend on time; noise, ratio and switch are model_finish's. */
double model_course(const struct model *m, uint64_t seed, int64_t at_ms, int zone_min);

/* Noise and the switch's effect on a course, wrapped; `low` (NaN: none) is the least it can be. */
double model_finish(const struct model *m, double course, uint64_t seed, int64_t at_ms,
                    struct model_effect effect, double low);

/* Mixes a seed with a number or a name: independent streams from one seed. */
uint64_t model_seed(uint64_t seed, uint64_t number);
uint64_t model_seed_text(uint64_t seed, const char *text);

/* A number in [0, 1) of a seed. */
double model_chance(uint64_t seed);

#endif
