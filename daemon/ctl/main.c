/* dustctl: asks a running dustd, or reads a copy of a stopped one's database. */
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/table.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"

#include <getopt.h>
#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SOCKET "/run/dustd/control.sock"

/* Which options a verb takes besides --json, --lang and --socket. */
enum {
    TAKES_RANGE = 1,
    TAKES_WINDOW = 2,
    TAKES_ALL = 4,
    TAKES_WHAT = 8,
    TAKES_HEADS = 16,
    TAKES_PERSON = 32,
    TAKES_DB = 64,
    TAKES_AS = 128,
    TAKES_PROBE = 256,
    TAKES_OUT = 512,
    TAKES_FILTER = 2048,
    TAKES_DUE = 4096,
    TAKES_OPEN = 8192,
    TAKES_LEVEL = 16384,
    TAKES_INPUT = TAKES_AS | 1024,
    TAKES_REPORT = 2048,
};

static const struct {
    const char *name;
    ctl_verb run;
    int least, most; /* words after it */
    unsigned takes;
    const char *synopsis, *zh, *en;
} verbs[] = {
    {"alert", verb_alert, 0, 2, TAKES_AS, "[test PERSON] [--as P]",
     "等待发送的提醒；test：向某人的所有渠道发一条测试",
     "what waits to be told; test: tries a person's channels"},
    {"calendar", verb_calendar, 1, 1, TAKES_RANGE | TAKES_INPUT,
     "holiday|suspended|rain|work --from T --to T [--reason R] [--as P]", "登记节假日、停工、降雨或作业时段",
     "days on which nothing is worked, work is suspended, it rains"},
    {"devices", verb_devices, 0, 0, 0, "", "各总线负荷、各设备状态和最近读数",
     "every line's load, every device and its last readings"},
    {"event", verb_event, 2, 3, TAKES_RANGE | TAKES_INPUT,
     "passage|camera|background WHAT [VALUE] [--from T] [--as P]", "登记车辆进出、摄像机事件或背景浓度",
     "a vehicle, what a camera saw, a background value"},
    {"export", verb_export, 0, 0, TAKES_RANGE | TAKES_WHAT | TAKES_DB,
     "[--from T] [--to T] [--rows | --samples]", "导出日志和原始采样（每行一个 JSON）",
     "journal rows and raw samples as JSON lines"},
    {"history", verb_history, 1, 1, TAKES_RANGE | TAKES_WINDOW | TAKES_DB,
     "POINT [--from T] [--to T] [--window minute|hour|day]", "一个测点的历史均值", "means of a point"},
    {"inspect", verb_inspect, 2, 3, TAKES_RANGE | TAKES_INPUT,
     "REQUIREMENT/CHECK PERCENT [TEXT] [--to T] [--as P]", "登记一次人工检查（100 为全部到位）",
     "what somebody found on the spot (100: all in order)"},
    {"issue", verb_issue, 1, 4, TAKES_PERSON | TAKES_AS | TAKES_DB | TAKES_DUE | TAKES_OPEN | TAKES_LEVEL,
     "ID [VERB [TEXT]] [--person P] [--due T] [--as P] | ID photo FILE [before|after] | open CATEGORY PLACE "
     "TEXT [--way W] "
     "[--person P] [--level L] [--photo FILE]",
     "查看或办理一个问题：confirm 确认 assign 交办 accept 接办 answer 回复 rectify 整改完成 inspect "
     "复查 return 退回 close 销号 dismiss 误报 note 备注 photo 照片；open 登记新发现的问题",
     "one issue; VERB: confirm assign accept answer rectify inspect return close dismiss note; photo FILE; "
     "open: a "
     "new "
     "finding"},
    {"issues", verb_issues, 0, 0,
     TAKES_ALL | TAKES_DB | TAKES_FILTER | TAKES_PERSON | TAKES_DUE | TAKES_LEVEL,
     "[--all] [--state S] [--kind K] [--about A] [--person P] [--light L] [--level L] [--due T] [--text T]",
     "未销号的问题；--all 含已销号和误报；其余选项为筛选条件",
     "open issues; --all: closed and dismissed ones too; the other options choose among them"},
    {"maintain", verb_maintain, 2, 2, TAKES_RANGE | TAKES_INPUT,
     "DEVICE maintenance|calibration --to T [--reason R] [--as P]", "登记设备维护或校准（至多 4 小时）",
     "a device is worked on, for at most 4 hours"},
    {"metrics", verb_metrics, 0, 0, TAKES_OUT, "[--out FILE]", "Prometheus 文本格式的运行指标",
     "status and last readings as Prometheus text"},
    {"probe", verb_probe, 1, 1, TAKES_PROBE | TAKES_OUT | TAKES_AS,
     "PORT|BUS [--baud L] [--format L] [--units L] [--timeout T] [--devices DIR] [--out FILE] [--as P]",
     "在串口上寻找设备：波特率、校验、地址、合适的型号文件，并写出配置；只读不写；dustd 占用的总线先借用",
     "finds the devices on a serial line: speed, parity, unit ids, profiles that fit, and the configuration; "
     "only "
     "reads; borrows a line that dustd holds"},
    {"reload", verb_reload, 0, 0, TAKES_AS, "[--as P]",
     "重新读取配置；有错则原配置继续有效，并指出文件、行、列",
     "reads the configuration again; a wrong one leaves the old in force and is told by file, line, column"},
    {"report", verb_report, 1, 1, TAKES_RANGE | TAKES_OUT | TAKES_DB | TAKES_AS | TAKES_REPORT,
     "weekly|half-month [--from DATE [--to DATE]] [--out DIR] [--public] [--record [--as P]]",
     "周检查或半月调度报告：网页（可打印 A4）和 Excel 表；默认最近一个完整时段",
     "the weekly or half-monthly report: a page for A4 and a table for Excel; of the last whole period"},
    {"requirements", verb_requirements, 0, 0, 0, "", "六个百分之百：今日各项的判定、比例、证据和原因",
     "the six 100 %: how today stands, its evidence and why"},
    {"stage", verb_stage, 1, 1, TAKES_RANGE | TAKES_INPUT, "STAGE [--from T] [--reason R] [--as P]",
     "登记施工阶段：demolition earthwork foundation structure finishing suspended",
     "the stage of work: demolition earthwork foundation structure finishing suspended"},
    {"status", verb_status, 0, 0, 0, "", "守护进程、总线、上行和问题概况",
     "the daemon, its lines, uplinks, issues"},
    {"tasks", verb_tasks, 0, 0, TAKES_DB, "", "到期任务：本周检查、检定证书",
     "what falls due: this week's inspections, certificates"},
    {"verify", verb_verify, 0, 0, TAKES_HEADS | TAKES_DB, "[--key FINGERPRINT] [--heads FILE]",
     "核验日志的哈希链和签名", "walks the journal's hash chain and its signatures"},
    {"warning", verb_warning, 1, 1, TAKES_RANGE | TAKES_INPUT,
     "none|yellow|orange|red [--from T] [--to T] [--reason R] [--as P]", "登记重污染天气预警",
     "a heavy-pollution warning"},
    {"watch", verb_watch, 0, 0, 0, "", "现场实时画面（按 q 退出）；在管道中每个变化一行",
     "the site, live (q quits); in a pipe a line for each change"},
};

enum { NVERBS = sizeof verbs / sizeof *verbs };

#define TEXT(member) offsetof(struct ctl, member), false
#define FLAG(member) offsetof(struct ctl, member), true

static const struct {
    const char *name;
    size_t member;
    bool flag;
    unsigned takes; /* 0: every verb */
    const char *zh, *en;
} options[] = {
    {"about", TEXT(about), TAKES_FILTER, "限值、要求、类别或设备的名称",
     "of this limit, requirement, category or device"},
    {"all", FLAG(all), TAKES_ALL, NULL, NULL},
    {"as", TEXT(as), TAKES_AS, "以谁的名义（仅 root）", "in whose name (root only)"},
    {"baud", TEXT(baud), TAKES_PROBE, "只试这些波特率：4800,9600", "try only these speeds: 4800,9600"},
    {"db", TEXT(db), TAKES_DB, "读数据库文件的副本，不问守护进程",
     "read a copy of this database, not the daemon"},
    {"devices", TEXT(devices), TAKES_PROBE, "型号文件先从此目录读取",
     "read device profiles from this directory first"},
    {"due", TEXT(due), TAKES_DUE, "整改期限（交办），或到此时为止到期的（筛选）",
     "until when (assign); to be rectified by then (issues)"},
    {"format", TEXT(format), TAKES_PROBE, "只试这些帧格式：8N1,8E1", "try only these formats: 8N1,8E1"},
    {"from", TEXT(from), TAKES_RANGE, "起始时间：2026-11-23T08:15、2026-11-23、08:15、-2h、now",
     "first time: 2026-11-23T08:15, 2026-11-23, 08:15, -2h, now"},
    {"heads", TEXT(heads), TAKES_HEADS, "与他人记下的链头比对（JSON 行：journal、seq、hash）",
     "compare with heads noted elsewhere (JSON lines: journal, seq, hash)"},
    {"id", TEXT(id), TAKES_INPUT & ~TAKES_AS, "编号：同一编号只登记一次",
     "recorded once, however often it is said"},
    {"json", FLAG(json), 0, "输出 JSON", "print JSON"},
    {"key", TEXT(key), TAKES_HEADS, "网关公钥的指纹（换过密钥时用逗号隔开）",
     "fingerprint of the gateway's key (of several, with commas, where it was replaced)"},
    {"kind", TEXT(kind), TAKES_FILTER, "类别：limit requirement finding device data doubt wash task",
     "limit requirement finding device data doubt wash task"},
    {"lang", TEXT(lang), 0, "zh 或 en", "zh or en"},
    {"level", TEXT(level), TAKES_LEVEL, "等级：general major critical", "general major critical"},
    {"light", TEXT(light), TAKES_FILTER, "亮灯：green yellow red", "green yellow red"},
    {"out", TEXT(out), TAKES_OUT, "写入此文件（整体替换）；report：写入此目录",
     "write this file, as a whole; of report: the directory"},
    {"person", TEXT(person), TAKES_PERSON, "交办给谁；由谁负责",
     "to whom it is assigned; who is responsible"},
    {"photo", TEXT(photo), TAKES_OPEN, "整改前的照片", "a photo of before"},
    {"public", FLAG(public), TAKES_REPORT, "公开通报：隐去车牌、电话、姓名，不列未确认的疑似问题",
     "for the public: no plates, telephones, names; no leads that nobody has confirmed"},
    {"reason", TEXT(reason), TAKES_INPUT & ~TAKES_AS, "原因或依据", "why, or by whose order"},
    {"record", FLAG(record), TAKES_REPORT, "把汇总登记为日志的一行，并发布到 report/…",
     "the summary becomes a row of the journal and the topic report/…"},
    {"rows", FLAG(rows), TAKES_WHAT, NULL, NULL},
    {"samples", FLAG(samples), TAKES_WHAT, NULL, NULL},
    {"socket", TEXT(socket), 0, "控制套接字，默认 " DEFAULT_SOCKET, "control socket, " DEFAULT_SOCKET},
    {"state", TEXT(state), TAKES_FILTER, "状态：found confirmed assigned working review closed dismissed",
     "found confirmed assigned working review closed dismissed"},
    {"text", TEXT(text), TAKES_FILTER, "编号、问题、地点中的文字",
     "words of the number, the title, the place"},
    {"timeout", TEXT(timeout), TAKES_PROBE, "等待应答的时间，默认 200ms",
     "how long an answer may take to begin, 200ms"},
    {"to", TEXT(to), TAKES_RANGE, "结束时间（不含）", "end of the range (not included)"},
    {"units", TEXT(units), TAKES_PROBE, "只问这些地址：1-10,32", "ask only these units: 1-10,32"},
    {"way", TEXT(way), TAKES_OPEN,
     "发现方式：inspection 检查 spot 抽查 unannounced 暗访 visit 观摩 complaint 群众",
     "inspection, spot, unannounced, visit or complaint"},
    {"window", TEXT(window), TAKES_WINDOW, NULL, NULL},
};

enum { NOPTIONS = sizeof options / sizeof *options, OPTION_VERSION = 1000 };

static int help(const struct ctl *c, FILE *out)
{
    struct table t = {.columns = 2};
    fprintf(out, "%s dustctl VERB …\n\n", say(c, "用法：", "Usage:"));
    for (int i = 0; i < NVERBS; i++) {
        table_printf(&t, "  %s %s", verbs[i].name, verbs[i].synopsis);
        table_cell(&t, say(c, verbs[i].zh, verbs[i].en));
    }
    for (int i = 0; i < 2; i++)
        table_cell(&t, "");
    for (int i = 0; i < NOPTIONS; i++) {
        if (!options[i].zh)
            continue;
        table_printf(&t, "  --%s%s", options[i].name, options[i].flag ? "" : " …");
        table_cell(&t, say(c, options[i].zh, options[i].en));
    }
    table_print(&t, out);
    table_finish(&t);
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static bool is_chinese(const char *lang)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    if (lang)
        return strcmp(lang, "zh") == 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return strncmp(value, "zh", 2) == 0;
    }
    return false;
}

/* Reads the options into `c`, and which ones into `given`: the verb is not known yet. Says what to do instead
 * of a verb: 'h', OPTION_VERSION or '?'; else 0. */
static int read_options(struct ctl *c, int argc, char **argv, uint64_t *given)
{
    struct option table[NOPTIONS + 3] = {
        [NOPTIONS] = {"help", no_argument, NULL, 'h'},
        [NOPTIONS + 1] = {"version", no_argument, NULL, OPTION_VERSION},
    };
    for (int i = 0; i < NOPTIONS; i++)
        table[i] =
            (struct option){options[i].name, options[i].flag ? no_argument : required_argument, NULL, i};
    int found, instead = 0;
    while (instead != '?' && (found = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        if (found >= NOPTIONS) {
            instead = found;
            continue;
        }
        char *member = (char *)c + options[found].member;
        if (options[found].flag)
            *(bool *)(void *)member = true;
        else
            *(const char **)(void *)member = optarg;
        *given |= (uint64_t)1 << found;
    }
    return instead;
}

static int usage(const struct ctl *c, const char *text, const char *what)
{
    complain("%s%s%s%s", text, say(c, "：", ": "), what,
             say(c, "（dustctl --help 看用法）", " (dustctl --help shows how)"));
    return EXIT_USAGE;
}

static int run(struct ctl *c, const char *name, uint64_t given)
{
    int i = 0;
    while (i < NVERBS && strcmp(verbs[i].name, name) != 0)
        i++;
    if (i == NVERBS)
        return usage(c, say(c, "没有这个命令", "there is no such verb"), name);
    for (int k = 0; k < NOPTIONS; k++)
        if ((given >> k & 1) && options[k].takes && !(options[k].takes & verbs[i].takes))
            return usage(c, say(c, "此命令不接受的选项", "this verb does not take the option"),
                         options[k].name);
    if (c->nwords < verbs[i].least)
        return usage(c, say(c, "缺少参数", "something is missing"), verbs[i].synopsis);
    if (c->nwords > verbs[i].most)
        return usage(c, say(c, "多余的参数", "one word too many"), c->words[verbs[i].most]);
    if (c->db && c->socket)
        return usage(c, say(c, "只能选一个", "only one of"), "--db, --socket");
    if (!c->socket)
        c->socket = DEFAULT_SOCKET;
    return verbs[i].run(c);
}

int main(int argc, char **argv)
{
    struct ctl c = {.zone_min = 480};
    uint64_t given = 0;
    setlocale(LC_CTYPE, "C.UTF-8");
    log_open("dustctl", LOG_LEVEL_WARNING);
    int instead = read_options(&c, argc, argv, &given);
    c.zh = is_chinese(c.lang);
    c.words = argv + optind + 1;
    c.nwords = argc - optind - 1;
    if (instead == '?')
        return EXIT_USAGE;
    if (c.lang && strcmp(c.lang, "zh") != 0 && strcmp(c.lang, "en") != 0)
        return usage(&c, say(&c, "--lang 只能是 zh 或 en", "--lang is zh or en"), c.lang);
    if (instead == OPTION_VERSION)
        return printf("dustctl %s\n", DUST_VERSION) > 0 ? EXIT_OK : EXIT_FAILED;
    if (instead == 'h' || optind >= argc)
        return help(&c, instead == 'h' ? stdout : stderr);
    int rc = run(&c, argv[optind], given);
    client_close(c.client);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain(say(&c, "标准输出写不下去：输出不完整",
                     "standard output cannot be written: what was printed is not whole"));
        return EXIT_FAILED;
    }
    return rc;
}
