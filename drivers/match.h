/* How well a profile explains what a unit answers: by what its values can be, never by which addresses
 * answer (several families start at the same one with other contents). Pure. A score orders guesses for a
 * person, who compares them with the device's own display; it decides nothing. */
#ifndef DUST_MATCH_H
#define DUST_MATCH_H

struct profile;
struct sample;
struct scan_setting;

struct match {
    int score;   /* 0 to 100 */
    int fits;    /* points whose value is one that the quantity can have, and says something */
    int weak;    /* that could be anything: 0, a number without a range */
    int wrong;   /* that cannot be: out of range, not a number, PM2.5 above PM10 */
    int missing; /* that the unit does not answer */
};

/* From this on a guess is worth writing into a configuration, and so much better than the next it must be to
 * be called clear. */
enum { MATCH_LIKELY = 60, MATCH_POSSIBLE = 25, MATCH_CLEAR = 10 };

/* `samples` are the profile's points in order. `where` and `unit_id`: the factory setting counts a little. */
struct match match_profile(const struct profile *p, const struct sample *samples,
                           const struct scan_setting *where, int unit_id);

#endif
