// Connections to PostgreSQL by libpq, with an end to every wait.
#ifndef CPOSTGRES_H
#define CPOSTGRES_H

#include <stddef.h>

typedef struct cpg cpg_t;
typedef struct cpg_result cpg_result_t;

// Writes "host:port/database" of the URI `url`, without user and password, those parts that it names; 0 if it is no such URI.
int cpg_describe(const char *url, char *out, size_t size);

// How many servers the URI names, to be tried one after the other.
int cpg_server_count(const char *url);

// Connects. `defaults` are lines "keyword=value", which the URI may say otherwise. NULL where there is no memory; what
// came of it says cpg_is_connected.
cpg_t *cpg_connect(const char *url, const char *defaults);
void cpg_close(cpg_t *connection);

// Whether it was connected when something was last sent or received.
int cpg_is_connected(const cpg_t *connection);

// Reads what the server said unasked, without waiting; 0 if it closed the connection.
int cpg_is_quiet(cpg_t *connection);

// What went wrong last with the connection; of several lines.
const char *cpg_error(const cpg_t *connection);

// The server's process for this connection.
int cpg_process(const cpg_t *connection);

// Whether a server at `url` takes connections, whoever asks.
int cpg_answers(const char *url, const char *defaults);

// Each waits `milliseconds` at most for the whole answer. NULL: the connection was lost or is no longer of use.

// Runs statements without parameters; the result is the first that failed, or the last.
cpg_result_t *cpg_run(cpg_t *connection, const char *script, int milliseconds);

// Prepares a statement under `name`; a type of 0 is found by the server.
cpg_result_t *cpg_prepare(
    cpg_t *connection, const char *name, const char *sql, const unsigned *types, int count, int milliseconds);

// Executes a prepared statement. The `count` values stand in `text` one after the other, each ended by a 0; a length of -1
// is null and has no text.
cpg_result_t *cpg_execute(
    cpg_t *connection, const char *name, const char *text, const int *lengths, int count, int milliseconds);

// Executes a prepared statement `times` times in one exchange, with `count` values for each, and writes to `changed` how many
// rows each changed. The result is the first that failed, or the last.
cpg_result_t *cpg_execute_many(
    cpg_t *connection, const char *name, const char *text, const int *lengths, int count, int times, long long *changed,
    int milliseconds);

void cpg_free(cpg_result_t *result);

// Five characters; empty where nothing failed.
const char *cpg_state(const cpg_result_t *result);
const char *cpg_message(const cpg_result_t *result);

// What was done, such as "COMMIT" or "UPDATE 3".
const char *cpg_tag(const cpg_result_t *result);
long long cpg_changed(const cpg_result_t *result);

int cpg_rows(const cpg_result_t *result);
int cpg_columns(const cpg_result_t *result);
const char *cpg_column(const cpg_result_t *result, int column);
unsigned cpg_type(const cpg_result_t *result, int column);

// NULL is null.
const char *cpg_value(const cpg_result_t *result, int row, int column);

#endif
