/* The whole daemon is this struct, on main's stack. All of it belongs to the main thread. */
#ifndef DUST_DUSTD_H
#define DUST_DUSTD_H

#include "daemon/again.h"
#include "daemon/alerts.h"
#include "daemon/base/notify.h"
#include "daemon/calibration.h"
#include "daemon/clean.h"
#include "daemon/config/config.h"
#include "daemon/control.h"
#include "daemon/denied.h"
#include "daemon/health.h"
#include "daemon/hold.h"
#include "daemon/judge/judge.h"
#include "daemon/ledger/escalate.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/task.h"
#include "daemon/lend.h"
#include "daemon/photo.h"
#include "daemon/rate.h"
#include "daemon/registers.h"
#include "daemon/reported.h"
#include "daemon/sample.h"
#include "daemon/seal.h"
#include "daemon/store/store.h"
#include "daemon/unsaid.h"
#include "daemon/uplink/mqtt.h"
#include "drivers/bus.h"

#include <jansson.h>
#include <poll.h>
#include <sys/types.h>

/* Messages that a ring holds: of samples minutes, should main ever be that late. */
enum { MQTT_RING = 256 };

struct options {
    const char *config_file, *data_dir;
    const char *adopt;   /* the export to take over; NULL: none */
    const char **replay; /* files of recorded samples, of the command line; NULL: none */
    const char **as;     /* COLUMN=POINT */
    int nreplay, nas;
    bool json;
    bool check, print, once, rebuild, simulated;
    int clock_rate;
    int64_t clock_start_ms;    /* 0: now */
    int64_t clock_since_us;    /* wire time of clock_start_ms; 0: now */
    int64_t unsynced_until_ms; /* simulated: the clock is right from then on; 0: always */
    const char *boot_id;       /* simulated: the boot's name; NULL: the kernel's */
};

struct device_now {
    enum device_state state;
    int64_t since_ms;
    uint8_t why, exception;
    int rtt_us;
    int64_t value_ms;             /* its last value; 0: none yet */
    struct bus_tally tally;       /* what became of its questions; all 0 until the first came */
    enum calibration calibration; /* as it was last told */
    int64_t served_until_ms;      /* maintenance or calibration as it was last told; 0: none */
    bool fresh;                   /* read, and with live_every 0 not told yet */
};

struct bus_now {
    struct bus *bus;
    struct ring *ring;
    struct config *held; /* the one its thread reads, which after a reload may be an older one */
    int64_t mark_ms;     /* every sample stamped before has arrived */
    enum line_state line;
    int error; /* errno, when it is down */
    int64_t since_ms;
    struct notify_pulse pulse; /* watch.c */
    bool said_still;
    struct bus_load load;
    bool overloaded; /* said */
    struct loan loan;
};

struct uplink_now {
    struct mqtt *mqtt; /* NULL: its thread has ended, only its last events are still taken */
    struct ring *ring;
    struct config *held;           /* the one its thread reads, and there: */
    const struct mqtt_config *own; /* itself */
    bool waits;                    /* for one of the last configuration to leave its place: not let go yet */
    uint64_t asker;                /* its questions to the store; never given twice */
    int64_t lost;                  /* rows up to here that it will never get are named in a row */
    int64_t taken, handed, persisted; /* cursor: known, in a batch, on the disk */
    int64_t since_ms;                 /* of the change to or from connected; 0: none yet */
    char why[160];                    /* the last reason that the line was lost or not had, "" none */
    bool connected;
    enum mqtt_commands commands; /* of this connection */
    char commands_why[160];
};

/* Who changed the settings. */
struct author {
    const char *name; /* a person's, "root" or "SIGHUP" */
    bool as_root;     /* root in the person's name */
};

/* What waits for a row to be committed before anybody is told. */
struct told {
    int64_t seq;
    char issue[32];  /* "": no step of an issue */
    uint64_t client; /* control client to answer; 0: none */
    char source[32]; /* of an input over MQTT, and */
    char *reply;     /* what it is told; NULL: nothing */
};

/* A control client's open question to the store. */
struct asked {
    uint64_t client; /* 0: free */
    bool raw;
    int64_t from_ms, to_ms;
};

enum { ASKED_MAX = 16 };

/* Who asks the store: a control client's id, or an uplink, of which each thread has a number of its own. */
#define ASKER_UPLINK ((uint64_t)1 << 63)
#define ASKER_HEALTH ((uint64_t)0) /* client 0, which is none */

/* The control client that changes something, until its row is committed. */
struct writer {
    uint64_t client; /* 0: nobody */
    char who[64];
};

/* What was let go of since the store last took a batch, and in all (shed.c). */
struct shed {
    bool refused;                   /* the store takes no more */
    size_t bytes;                   /* of the rows in the batch being filled */
    uint64_t samples, rows;         /* dropped */
    int64_t from_ms, to_ms;         /* the minutes of which samples were; 0: none */
    int64_t gap_from_ms, gap_to_ms; /* and of which there is no row either */
    uint64_t all_samples, all_rows; /* dropped since the start */
};

/* Who hears what is found in the store's stead: a back-test. It has no batch, and nothing is committed. */
struct hearing {
    bool (*event)(const struct judge_event *e, void *arg); /* whether it is to become a row */
    void (*row)(int64_t seq, const char *kind, char *body,
                void *arg); /* the body is the listener's, to free (mem_free) when the next row comes */
    void *arg;
};

struct dustd {
    struct options options;
    const struct hearing *hearing; /* NULL: the store */
    struct config *config;
    int64_t since_ms;
    json_t *last_run; /* how the last one ended: {"before","machine","gap_ms"} */
    bool stopping;
    int exit_code;
    struct notify notify;
    int64_t next_status_us; /* wire */

    struct store *store;
    struct store_opened opened;
    struct journal head; /* where the next row goes */
    int64_t committed;   /* everything up to here is on the disk */
    uint8_t committed_hash[HASH_SIZE];
    bool store_stuck;
    char store_error[160];
    int64_t stuck_ms;   /* site time since when */
    struct batch batch; /* being filled; handed over at the end of each turn of the loop */
    int batch_room;
    struct store_cursor *cursors; /* of brokers that were ever configured, but for those that are */
    int ncursors;
    bool cursor_left; /* one of these has just come: the next batch takes them along */
    struct shed shed;
    struct unsaid unsaid;        /* by the judge, and for whom the disk has no room yet */
    int64_t deleted[STORE_KEPT]; /* a row says so, up to here */
    struct store_cursor *handed; /* cursors of the batches on their way, config.nmqtt a batch */
    struct journal *heads;       /* and the head that each leaves */
    int nhanded;
    uint64_t batches_done; /* batches on the disk */

    struct hold hold;   /* what cannot be dated yet */
    struct again again; /* what has been told of windows */
    struct inputs *inputs;
    struct commands *commands;
    struct required *required;
    struct judge *judge;
    struct ledger *ledger;
    struct photo_keeper *photos;
    struct clean clean; /* windows that were kept */
    struct escalation *escalation;
    struct tasks *tasks;
    char *tasks_said;       /* of the tasks to the brokers last; NULL: nothing */
    int64_t tasks_seq;      /* once this row is on the disk they are told anew; 0: nothing to tell */
    int64_t told_minute_ms; /* in which it was last looked who is to be told */
    struct mean *means;     /* of the minute just closed, one a point */

    /* the running minute, and what came of the next one while a slower bus still works on this one */
    int64_t minute_ms;
    int64_t closed_ms; /* end of the last minute that has a row; INT64_MAX: none */
    int64_t alive_ms;  /* last sign of life before the running minute's; 0: none */
    struct sample *samples;
    size_t nsamples, room, chunked; /* chunked: the first so many are in the sample table */
    uint64_t late_samples;
    bool *said_bad; /* a point: it has been said that its minutes are not valid */

    struct sample *now;             /* last sample a point; at_ms 0: none yet */
    struct register_now *registers; /* a point: what it was read as, of those that are watched */
    struct device_now *devices;
    struct bus_now *buses;
    uint64_t last_order; /* number of the last order to a bus */
    struct uplink_now *uplinks;
    uint64_t uplinks_started;
    struct uplink_now *leaving; /* of the configurations before: asked to end, not joined yet */
    int nleaving;
    char **removed; /* devices that a reload took out: their topics are cleared at each connect */
    int nremoved;
    const bool *gone; /* while points that are taken out end: rows are about these only, and say so */
    struct control *control;
    uid_t *person_uid; /* of config.people; (uid_t)-1: none */

    struct seal seal;
    struct health health;
    struct alerts alerts;

    struct told *told;
    int ntold;
    struct asked asked[ASKED_MAX];
    struct rate_book rates; /* of the control socket's clients */
    struct writer writer;
    struct denied denied;
    struct reported reported;

    int64_t next_chunk_ms, next_live_ms, next_state_ms, next_keep_ms; /* site time */
    int64_t step_site_ms, step_boot_us; /* for noticing that the clock was set */
    int64_t stepped_ms;                 /* forward, and no minute has ended since */
};

/* restore.c: opens the store and brings judge, ledger and the running minute to where the journal ends. */
int restore_all(struct dustd *d);

/* pipeline.c: from samples to rows. */
void pipeline_bus(struct dustd *d, int bus); /* takes what the bus has pushed */
void pipeline_turn(struct dustd *d, int64_t now_ms,
                   int64_t boot_us); /* closes minutes, notices clock steps, cuts chunks */
void pipeline_close_minute(struct dustd *d,
                           int64_t next_ms); /* ends the running minute; the next starts there */
void pipeline_close_until(struct dustd *d, int64_t now_ms);   /* ends all minutes that are over by then */
void pipeline_keep(struct dustd *d, const struct sample *s);  /* to the running minute */
int pipeline_point(const struct config *c, const char *name); /* -1: there is none */

/* block.c: the samples in [from_ms, end_ms) leave as a raw block; of the running minute the judge gets them,
 * if asked. The block's transaction empties the sample table: what stays goes into it again with the same
 * one. */
struct buf;
void pipeline_block(struct dustd *d, int64_t from_ms, int64_t end_ms, bool judged, struct buf *block);
void pipeline_take_out(struct dustd *d, const struct sample *of, size_t n,
                       struct buf *block); /* the same for those that have left d->samples already */

/* judging.c: what of the struct judges, for the daemon, a back-test and the tests' rigs alike. d->config is
 * set; judging_minute takes d->means as judge_check left them. */
void judging_open(struct dustd *d);
void judging_minute(struct dustd *d, int64_t start_ms); /* windows, verdicts, findings, requirements, rows */
void judging_heard(const struct judge_event *event, void *dustd);   /* the judge's sink */
void judging_say(struct dustd *d, const struct judge_event *event); /* its rows, and issues */
void judging_close(struct dustd *d);

/* leave.c: ends what is open of points that a reload takes out, as it stands. Only while no raw block is in
 * the batch, and no minute is without a date or late. */
void leave_points(struct dustd *d, const bool *gone);

/* lastrun.c: how the last run ended, and what was not measured since. */
json_t *lastrun_boot(struct dustd *d, int64_t now_ms, const char *last_boot, bool clean);
void lastrun_begin(struct dustd *d, int64_t at_ms, json_t *boot); /* a run begins: its rows */

/* rows.c: one function a kind of row. Each appends to the batch and returns its seq. */
json_t *row_begin(const struct dustd *d, int64_t at_ms, const char *kind, const char *subject);
int64_t row_append(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, json_t *body);
int64_t row_append_text(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, char *body);
void row_settings(struct dustd *d, int64_t now_ms, const struct author *by); /* by NULL: at start */
int64_t row_undated(struct dustd *d, json_t *body, const struct mean *means, const char *raw_sha256);
int64_t row_minute(struct dustd *d, int64_t start_ms, const struct mean *means, const char *raw_sha256);
void row_window(struct dustd *d, const struct judge_event *e);
int64_t row_verdict(struct dustd *d, const struct judge_event *e);
struct quality_finding;
void row_quality(struct dustd *d, const struct quality_finding *f);
int64_t row_running(struct dustd *d, const struct judge_event *e); /* of a window that has not ended */
int64_t row_step(struct dustd *d, int64_t now_ms, const char *issue,
                 char *body); /* applied to the ledger too */
/* A breach becomes an issue, or evidence of the open one; one that is corrected to something else, evidence.
 */
void row_breach(struct dustd *d, const struct judge_event *e, int64_t verdict_seq);
void row_device(struct dustd *d, int64_t at_ms, int device);
void row_gap(struct dustd *d, int64_t now_ms, int64_t from_ms, int64_t to_ms,
             const char *reason);                                   /* no minutes there */
void row_clock(struct dustd *d, int64_t now_ms, int64_t step_ms);   /* the clock was set */
void row_dated(struct dustd *d, int64_t now_ms, int64_t offset_ms); /* or believed for the first time */
void row_bus(struct dustd *d, int64_t at_ms, int bus);

/* batches.c: rows and chunks to the store, and what follows from a commit. */
void batch_flush(struct dustd *d);
void batch_chunk(struct dustd *d);
void batch_store(struct dustd *d); /* takes the store's messages */
void batch_tell(struct dustd *d, int64_t seq, const char *issue, uint64_t client);
void batch_reply(struct dustd *d, int64_t seq, const char *source, char *reply); /* takes `reply` */

/* shed.c: bounded memory while the store takes nothing. */
bool shed_row(struct dustd *d, const char *kind,
              size_t length);      /* whether it has no room, which is counted */
bool shed_sample(struct dustd *d); /* the same of a sample */
bool shed_due(const struct dustd *d,
              int64_t now_ms); /* whether the running minute ends without its samples */
void shed_minute(struct dustd *d, int64_t start_ms, size_t samples, bool row); /* it did; `row`: it has one */
void shed_refused(struct dustd *d);
void shed_taken(struct dustd *d); /* the store takes batches (again) */

/* retention.c: what is too old. */
void retention_turn(struct dustd *d, int64_t now_ms);
void retention_plan(struct dustd *d, int64_t now_ms, const struct store_plan *plan); /* the store's word */
void now_all(struct dustd *d, int uplink);
void now_state(struct dustd *d, int uplink); /* -1: all that are connected */
void now_head(struct dustd *d, int uplink);  /* the signed head, once it is on the disk */
void now_health(struct dustd *d, int uplink);
json_t *now_site_json(const struct dustd *d, const struct config *c);
void now_site(struct dustd *d, int uplink);
void now_clear(struct dustd *d, int uplink, const char *device); /* a device that is no more */
void now_device(struct dustd *d, int uplink, int device);
void now_requirements(struct dustd *d, int uplink);
void now_task(struct dustd *d, int uplink); /* nothing while there never was a task */
void now_report(struct dustd *d, int uplink, const char *kind, const char *body);
void now_live(struct dustd *d);
void now_live_of(struct dustd *d, int device);
json_t *now_state_json(const struct dustd *d);
json_t *now_live_json(const struct dustd *d, int device); /* NULL: nothing of it was read yet */
void now_issue(struct dustd *d, int uplink, const struct issue *issue, int64_t now_ms);
void now_issues(struct dustd *d, int64_t now_ms);
void now_uplink(struct dustd *d, int uplink);         /* takes the uplink's events */
void now_last(struct dustd *d, struct uplink_now *u); /* the last cursors of one whose thread has ended */

/* running.c: what the limits' running windows come to so far. */
json_t *running_json(const struct dustd *d);

/* verbs.c: the control socket's requests. */
void verb_request(uint64_t client, uid_t uid, json_t *request, void *dustd);
void verb_page(struct dustd *d, uint64_t client, struct page *page);

/* The final line of an answer: refused with a text for people; or the result, whose reference is stolen. */
void verb_fail(struct dustd *d, uint64_t client, const char *text);
void verb_answer(struct dustd *d, uint64_t client, json_t *result);

/* reload.c: SIGHUP and `dustctl reload`. Builds the new configuration, proves it, takes it over whole; or
 * leaves everything as it is, with one message in the log and in `why`. */
struct reloaded {
    bool changed; /* there is a settings row */
    int buses, buses_kept, brokers, brokers_kept;
};
int reload(struct dustd *d, const struct author *by, struct reloaded *what, struct complaint *why);
void reload_turn(struct dustd *d); /* uplinks of the configuration before end, their successors start */
bool reload_end(struct dustd *d, int wait_ms); /* at a stop: false when a thread of them hangs */

/* carry.c: what main knows goes over to another configuration, by name. `before` as in change.h. */
void carry_points(struct dustd *d, const struct config *is, const int *before);
void carry_devices(struct dustd *d, const struct config *is, const int *before);
void carry_cursors(struct dustd *d, const struct config *is,
                   const int *before);                        /* of the batches on their way */
void carry_removed(struct dustd *d, const struct config *is); /* devices that are no more */

/* people.c: who of config.people is which user of this machine, into person_uid; and as JSON what they are
 * called, what the site is: {"site-manager":{"title","organisation","phone"}},
 * {"name":{"title":{zh,en},"kind"}},
 * {"name","title","community","contractor","authority"}. */
void people_lookup(struct dustd *d);
json_t *people_json(const struct config *c);
json_t *organisations_json(const struct config *c);
json_t *categories_json(const struct config *c); /* {"road":{zh,en}}: of what people find */
json_t *site_json(const struct config *c);

/* once.c: dustd --once. */
int once_run(const struct config *c);

#endif
