// How much each host is asked of by all processes that share a file.
#ifndef CHOSTS_H
#define CHOSTS_H

#include <stdint.h>

typedef struct chosts chosts_t;

// Opens the table in the file `path`, which is made where there is none, for `lanes` processes of which this is number
// `lane`: what an earlier one held in that lane is free again. A table of this process alone where `path` is NULL.
// NULL with errno where there is no memory or file for it.
chosts_t *chosts_open(const char *path, int lanes, int lane);
void chosts_close(chosts_t *table);

// The time in nanoseconds, by a clock that all processes share.
int64_t chosts_now(void);

// Takes one of the `limit` places of the host `key`, and the next start, `interval` nanoseconds after the one before.
// Returns 0, or in how many nanoseconds after `now` to ask again.
//
// Hosts whose keys are alike in their low bits share their places. Who was refused lately goes before one that holds more
// than its share.
int64_t chosts_claim(chosts_t *table, uint64_t key, int limit, int64_t interval, int64_t now);

// Gives a place back.
void chosts_release(chosts_t *table, uint64_t key);

#endif
