#include "daemon/judge/requirement.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/judge/check.h"

#include <string.h>

static const struct {
    const char *name, *zh, *en;
} causes[CAUSE__COUNT] = {
    [CAUSE_NONE] = {"", "", ""},
    [CAUSE_STATE] = {"state", "状态不符合要求的时间过长", "not as it must be for too long"},
    [CAUSE_NO_RESPONSE] = {"no_response", "扬尘升高后未及时喷淋", "no water soon after dust"},
    [CAUSE_NO_WATER] = {"no_water", "规定时段内未洒水", "not watered in the time"},
    [CAUSE_WASH_NONE] = {"wash_none", "车辆未冲洗", "vehicle not washed"},
    [CAUSE_WASH_SHORT] = {"wash_short", "车辆冲洗时间不足", "vehicle washed too briefly"},
    [CAUSE_WASH_BYPASS] = {"wash_bypass", "车辆绕行冲洗台", "vehicle went around the wash bay"},
    [CAUSE_UNCOVERED] = {"uncovered", "车辆未密闭", "vehicle not covered"},
    [CAUSE_BANNED] = {"banned", "预警期间车辆出场", "vehicle left during a warning"},
    [CAUSE_TOO_MUCH] = {"too_much", "摄像机两次以上发现超过允许值", "more than allowed, seen at least twice"},
    [CAUSE_FOUND] = {"found", "人工检查发现不到位", "an inspection found it wanting"},
    [CAUSE_NO_POINT] = {"no_point", "没有所需的测点", "there is no point with that role"},
    [CAUSE_NO_DATA] = {"no_data", "测点数据缺失", "the point has no valid data"},
    [CAUSE_NO_SOURCE] = {"no_source", "没有配置所需的数据来源", "no source of such messages is configured"},
    [CAUSE_SILENT] = {"silent", "数据来源未在线", "the source did not say that it watched"},
    [CAUSE_NOT_SEEN] = {"not_seen", "摄像机未报告", "the camera did not report it"},
    [CAUSE_ONE_SIGHT] = {"one_sight", "仅一次发现，未证实也未解除",
                         "seen once, neither proven nor taken back"},
    [CAUSE_EQUIPMENT] = {"equipment", "阀门已开但无水流：设备故障", "valve open, no flow: equipment fault"},
    [CAUSE_NO_WARNING] = {"no_warning", "预警信息缺失", "whether there is a warning is not known"},
    [CAUSE_NO_INSPECTION] = {"no_inspection", "没有人工检查", "nobody has looked"},
    [CAUSE_EXPIRED] = {"expired", "人工检查已过期", "the last inspection has expired"},
    [CAUSE_NO_STAGE] = {"no_stage", "未登记施工阶段", "the stage of work was never told"},
    [CAUSE_NEW_STAGE] = {"new_stage", "施工阶段变化后未重新检查", "not looked at since the new stage"},
    [CAUSE_FROST] = {"frost", "低温免洒水", "frost"},
    [CAUSE_HUMID] = {"humid", "湿度高免洒水", "humid"},
    [CAUSE_RAIN] = {"rain", "降雨免洒水", "rain"},
    [CAUSE_HOLIDAY] = {"holiday", "节假日不作业", "holiday"},
    [CAUSE_SUSPENDED] = {"suspended", "停工", "work suspended"},
    [CAUSE_NIGHT] = {"night", "非作业时段", "outside the hours of work"},
    [CAUSE_VEHICLE] = {"vehicle", "车辆进出", "a vehicle passed"},
    [CAUSE_WARNING] = {"warning", "预警期间增加次数", "more often during a warning"},
};

const char *cause_str(enum cause c)
{
    return causes[c].name;
}

const char *cause_zh(enum cause c)
{
    return causes[c].zh;
}

const char *cause_en(enum cause c)
{
    return causes[c].en;
}

const char *outcome_str(enum outcome o)
{
    static const char *const names[] = {[OUTCOME_MET] = "met",
                                        [OUTCOME_FAILED] = "failed",
                                        [OUTCOME_UNKNOWN] = "unknown",
                                        [OUTCOME_EXCUSED] = "excused",
                                        [OUTCOME__COUNT] = "changed"};
    return names[o];
}

static struct judging judging_of(const struct asked_day *day, const struct check *c)
{
    struct judging j = {.r = day->record,
                        .all = &record_config(day->record)->requirements,
                        .of = day->of,
                        .c = c,
                        .day_ms = day->day_ms,
                        .end_ms = day->day_ms + CLOCK_DAY_MS,
                        .now_ms = day->now_ms,
                        .hours = record_hours(day->record, c->always)};
    j.own = record_points(day->record, c->role ? c->role : "");
    return j;
}

static const struct {
    void (*judge)(const struct judging *j);
    int64_t (*due)(const struct judging *j);
} kinds[CHECK__KINDS] = {
    [CHECK_DURING] = {check_during, check_during_due},
    [CHECK_RESPONSE] = {check_response, check_response_due},
    [CHECK_DUTY] = {check_duty, check_duty_due},
    [CHECK_PASSAGE] = {check_passage, check_passage_due},
    [CHECK_SHARE] = {check_share, check_share_due},
    [CHECK_ATTEST] = {check_attest, check_attest_due},
};

void check_judge(const struct asked_day *day, const struct check *c, opportunity_sink sink, void *arg)
{
    struct judging j = judging_of(day, c);
    j.sink = sink;
    j.arg = arg;
    kinds[c->kind].judge(&j);
}

int64_t check_due(const struct asked_day *day, const struct check *c)
{
    struct judging j = judging_of(day, c);
    return kinds[c->kind].due(&j);
}

int64_t check_next(const struct asked_day *day, const struct check *c)
{
    struct judging j = judging_of(day, c);
    bool whole = c->kind == CHECK_DURING;
    if (c->kind == CHECK_ATTEST)
        return j.end_ms;
    if (c->kind == CHECK_PASSAGE || c->kind == CHECK_RESPONSE)
        return 0;
    int64_t at_ms = check_slot_due(&j, c->slot_ms, whole ? CLOCK_MINUTE_MS : c->slot_ms / 2);
    return at_ms == INT64_MAX ? 0 : at_ms;
}

/* Met ones need no reason. */
static struct reason *reason_for(struct check_result *out, const struct opportunity *o)
{
    bool by_one = o->outcome == OUTCOME_UNKNOWN || o->outcome == OUTCOME__COUNT;
    for (int i = 0; i < out->nreasons; i++) {
        struct reason *r = &out->reasons[i];
        /* vehicles differ and are counted together; what is missing is named */
        if (r->outcome == o->outcome && r->cause == o->cause && (!by_one || strcmp(r->about, o->about) == 0))
            return r;
    }
    if (out->nreasons == REASONS_MAX)
        return &out->reasons[REASONS_MAX - 1];
    struct reason *r = &out->reasons[out->nreasons++];
    *r = (struct reason){o->outcome, o->cause, o->about, 0, o->from_ms, o->to_ms};
    return r;
}

void check_add(const struct opportunity *o, void *check_result)
{
    struct check_result *out = check_result;
    if (o->outcome != OUTCOME__COUNT) {
        out->count[o->outcome]++;
        if (out->last == OUTCOME__COUNT || o->to_ms >= out->last_ms) {
            out->last = o->outcome;
            out->last_ms = o->to_ms;
        }
    }
    if (o->outcome == OUTCOME_MET)
        return;
    struct reason *r = reason_for(out, o);
    r->n++;
    r->first_ms = o->from_ms < r->first_ms ? o->from_ms : r->first_ms;
    if (o->to_ms >= r->last_ms) {
        r->last_ms = o->to_ms;
        r->about = o->about;
    }
}

void check_sum(const struct asked_day *day, const struct check *c, struct check_result *out)
{
    *out = (struct check_result){.check = c, .last = OUTCOME__COUNT};
    check_judge(day, c, check_add, out);
}

void requirement_judge(const struct record *r, const struct requirement *q, int64_t day_ms, int64_t now_ms,
                       struct requirement_result *out)
{
    struct asked_day day = {r, q, day_ms, now_ms};
    *out = (struct requirement_result){.requirement = q};
    out->checks = mem_array((size_t)q->nchecks, sizeof *out->checks);
    for (int i = 0; i < q->nchecks; i++) {
        check_sum(&day, &q->checks[i], &out->checks[i]);
        for (int o = 0; o < OUTCOME__COUNT; o++)
            out->count[o] += out->checks[i].count[o];
    }
    out->verdict = out->count[OUTCOME_FAILED]    ? VERDICT_BREACH
                   : out->count[OUTCOME_UNKNOWN] ? VERDICT_UNKNOWN
                                                 : VERDICT_PASS;
}

int64_t requirements_settle_ms(const struct requirements *r)
{
    int64_t most_ms = 0;
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->list[i].nchecks; k++)
            if (r->list[i].checks[k].within_ms > most_ms)
                most_ms = r->list[i].checks[k].within_ms;
    return most_ms + CLOCK_MINUTE_MS;
}

void requirement_finish(struct requirement_result *r)
{
    mem_free(r->checks);
    r->checks = NULL;
}
