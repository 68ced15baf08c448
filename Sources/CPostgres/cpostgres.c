#include "cpostgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#else
#include <postgresql/libpq-fe.h>
#endif

enum { KEYWORDS = 32, VALUES = 64 };

struct cpg {
    PGconn *connection;
    int is_lost;
};

// A `PGresult` under another name: the header shows nothing of libpq.
static PGresult *of(const cpg_result_t *result) { return (PGresult *)(void *)result; }
static cpg_result_t *as(PGresult *result) { return (cpg_result_t *)(void *)result; }

// MARK: Addresses

static const char *option(const PQconninfoOption *options, const char *keyword) {
    for (; options->keyword; options++)
        if (!strcmp(options->keyword, keyword) && options->val) return options->val;
    return "";
}

int cpg_describe(const char *url, char *out, size_t size) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (!options) return 0;
    const char *port = option(options, "port"), *database = option(options, "dbname"), *host = option(options, "host");
    if (!*host) host = option(options, "hostaddr");
    snprintf(out, size, "%s%s%s%s%s", host, *port ? ":" : "", port, *database ? "/" : "", database);
    PQconninfoFree(options);
    return 1;
}

int cpg_server_count(const char *url) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (!options) return 1;
    const char *hosts = option(options, "host");
    if (!*hosts) hosts = option(options, "hostaddr");
    int count = 1;
    for (; *hosts; hosts++) count += *hosts == ',';
    PQconninfoFree(options);
    return count;
}

// Keywords and values for libpq out of lines "keyword=value" and a URI; `copy` holds them.
typedef struct {
    char *copy;
    const char *keywords[KEYWORDS + 1];
    const char *values[KEYWORDS + 1];
} settings_t;

static int read_settings(settings_t *settings, const char *url, const char *defaults) {
    memset(settings, 0, sizeof *settings);
    settings->copy = strdup(defaults);
    if (!settings->copy) return 0;
    int count = 0;
    char *rest = settings->copy, *line;
    while (count < KEYWORDS - 2 && (line = strsep(&rest, "\n"))) {
        char *value = strchr(line, '=');
        if (!value) continue;
        *value = 0;
        settings->keywords[count] = line;
        settings->values[count++] = value + 1;
    }
    // What stands before it may be said otherwise by the URI, what stands after it may not.
    settings->keywords[count] = "dbname";
    settings->values[count++] = url;
    settings->keywords[count] = "client_encoding";
    settings->values[count] = "UTF8";
    return 1;
}

// MARK: Connections

static void ignore(void *context, const char *message) { (void)context, (void)message; }

cpg_t *cpg_connect(const char *url, const char *defaults) {
    settings_t settings;
    if (!read_settings(&settings, url, defaults)) return NULL;
    cpg_t *connection = calloc(1, sizeof *connection);
    if (connection) {
        connection->connection = PQconnectdbParams(settings.keywords, settings.values, 1);
        PQsetNoticeProcessor(connection->connection, ignore, NULL);
        // Sending waits with the rest, in await_result.
        PQsetnonblocking(connection->connection, 1);
    }
    free(settings.copy);
    return connection;
}

void cpg_close(cpg_t *connection) {
    PQfinish(connection->connection);
    free(connection);
}

int cpg_is_connected(const cpg_t *connection) {
    return !connection->is_lost && PQstatus(connection->connection) == CONNECTION_OK;
}

const char *cpg_error(const cpg_t *connection) { return PQerrorMessage(connection->connection); }
int cpg_process(const cpg_t *connection) { return PQbackendPID(connection->connection); }

int cpg_answers(const char *url, const char *defaults) {
    settings_t settings;
    if (!read_settings(&settings, url, defaults)) return 0;
    int answers = PQpingParams(settings.keywords, settings.values, 1) == PQPING_OK;
    free(settings.copy);
    return answers;
}

// MARK: Waiting

static long long now_in_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

// Waits until the next result is there without waiting; 0 when the connection is lost or the time is over.
static int await_result(cpg_t *connection, long long deadline) {
    PGconn *c = connection->connection;
    for (;;) {
        int unsent = PQflush(c);
        if (unsent < 0) break;
        if (!unsent && !PQisBusy(c)) return 1;
        long long left = deadline - now_in_milliseconds();
        struct pollfd descriptor = {PQsocket(c), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0};
        int ready = left > 0 ? poll(&descriptor, 1, left > 60000 ? 60000 : (int)left) : 0;
        if (ready < 0 && errno != EINTR) break;
        if (!ready && deadline <= now_in_milliseconds()) break;
        if (ready > 0 && descriptor.revents & (POLLIN | POLLERR | POLLHUP) && !PQconsumeInput(c)) break;
    }
    connection->is_lost = 1;
    return 0;
}

// Whether `next` is to be kept rather than `kept`: the first that failed, or the last.
static PGresult *keep(PGresult *kept, PGresult *next) {
    if (kept && (PQresultStatus(kept) == PGRES_FATAL_ERROR || !next)) {
        PQclear(next);
        return kept;
    }
    PQclear(kept);
    return next;
}

// All results of what was sent; NULL when the connection was lost before the last.
static cpg_result_t *results(cpg_t *connection, int is_sent, int milliseconds) {
    PGresult *kept = NULL, *next;
    if (!is_sent) {
        connection->is_lost = 1;
        return NULL;
    }
    long long deadline = now_in_milliseconds() + milliseconds;
    for (;;) {
        if (!await_result(connection, deadline)) {
            PQclear(kept);
            return NULL;
        }
        if (!(next = PQgetResult(connection->connection))) break;
        kept = keep(kept, next);
        // Statements never copy; a connection in that state could not be used any more.
        ExecStatusType status = PQresultStatus(kept);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) connection->is_lost = 1;
        if (connection->is_lost) break;
    }
    return as(kept);
}

int cpg_is_quiet(cpg_t *connection) {
    PGconn *c = connection->connection;
    struct pollfd descriptor = {PQsocket(c), POLLIN, 0};
    while (!connection->is_lost && poll(&descriptor, 1, 0) > 0)
        if (!PQconsumeInput(c)) connection->is_lost = 1;
    return cpg_is_connected(connection);
}

// MARK: Statements

cpg_result_t *cpg_run(cpg_t *connection, const char *script, int milliseconds) {
    return results(connection, PQsendQuery(connection->connection, script), milliseconds);
}

cpg_result_t *cpg_prepare(
    cpg_t *connection, const char *name, const char *sql, const unsigned *types, int count, int milliseconds) {
    return results(connection, PQsendPrepare(connection->connection, name, sql, count, types), milliseconds);
}

// Sends one execution and moves `text` to the values of the next.
static int send_execution(cpg_t *connection, const char *name, const char **text, const int *lengths, int count) {
    const char *few[VALUES], **values = count <= VALUES ? few : malloc((size_t)count * sizeof *values);
    if (!values) return 0;
    for (int i = 0; i < count; i++) {
        values[i] = lengths[i] < 0 ? NULL : *text;
        if (lengths[i] >= 0) *text += lengths[i] + 1;
    }
    int is_sent = PQsendQueryPrepared(connection->connection, name, count, values, NULL, NULL, 0);
    if (values != few) free(values);
    return is_sent;
}

cpg_result_t *cpg_execute(
    cpg_t *connection, const char *name, const char *text, const int *lengths, int count, int milliseconds) {
    return results(connection, send_execution(connection, name, &text, lengths, count), milliseconds);
}

cpg_result_t *cpg_execute_many(
    cpg_t *connection, const char *name, const char *text, const int *lengths, int count, int times, long long *changed,
    int milliseconds) {
    PGconn *c = connection->connection;
    PGresult *kept = NULL, *next;
    long long deadline = now_in_milliseconds() + milliseconds;
    int is_sent = PQenterPipelineMode(c), done = 0;
    for (int i = 0; is_sent && i < times; i++)
        is_sent = send_execution(connection, name, &text, lengths + (size_t)i * (size_t)count, count);
    if (!is_sent || !PQpipelineSync(c)) goto lost;
    // Every execution has a result and an end; the exchange ends with a result of its own.
    for (int is_open = 1; is_open;) {
        if (!await_result(connection, deadline)) goto lost;
        if (!(next = PQgetResult(c))) {
            if (PQstatus(c) != CONNECTION_OK) goto lost;
            continue;
        }
        switch (PQresultStatus(next)) {
        case PGRES_PIPELINE_SYNC: is_open = 0, PQclear(next); break;
        case PGRES_PIPELINE_ABORTED: PQclear(next); break;
        default:
            if (done < times) changed[done++] = cpg_changed(as(next));
            kept = keep(kept, next);
        }
    }
    if (!PQexitPipelineMode(c)) goto lost;
    return as(kept);
lost:
    connection->is_lost = 1;
    PQclear(kept);
    return NULL;
}

// MARK: Results

void cpg_free(cpg_result_t *result) { PQclear(of(result)); }

const char *cpg_state(const cpg_result_t *result) {
    switch (PQresultStatus(of(result))) {
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: return "";
    default: break;
    }
    const char *state = PQresultErrorField(of(result), PG_DIAG_SQLSTATE);
    return state ? state : "XX000";
}

const char *cpg_message(const cpg_result_t *result) {
    const char *message = PQresultErrorField(of(result), PG_DIAG_MESSAGE_PRIMARY);
    return message ? message : PQresultErrorMessage(of(result));
}

const char *cpg_tag(const cpg_result_t *result) { return PQcmdStatus(of(result)); }

long long cpg_changed(const cpg_result_t *result) {
    return strncmp(cpg_tag(result), "SELECT", 6) ? strtoll(PQcmdTuples(of(result)), NULL, 10) : 0;
}

int cpg_rows(const cpg_result_t *result) { return PQntuples(of(result)); }
int cpg_columns(const cpg_result_t *result) { return PQnfields(of(result)); }
const char *cpg_column(const cpg_result_t *result, int column) { return PQfname(of(result), column); }
unsigned cpg_type(const cpg_result_t *result, int column) { return PQftype(of(result), column); }

const char *cpg_value(const cpg_result_t *result, int row, int column) {
    return PQgetisnull(of(result), row, column) ? NULL : PQgetvalue(of(result), row, column);
}
