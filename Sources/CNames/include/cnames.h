// Addresses of names, asked of servers for names by c-ares without a thread.
#ifndef CNAMES_H
#define CNAMES_H

#include <stdint.h>

typedef struct cnames cnames_t;

enum { CNAMES_FOUND, CNAMES_NONE, CNAMES_FAILED };

// An address, most significant byte first.
typedef struct {
    int is_ipv6;
    uint8_t bytes[16];
} cnames_address_t;

// Takes the addresses of a name, at least one where `status` is CNAMES_FOUND, and the seconds for which they hold.
// CNAMES_NONE is an answer: there is no such name, or it has no address. CNAMES_FAILED is none.
typedef void (*cnames_answer_t)(void *context, int status, const cnames_address_t *addresses, int count, int64_t seconds);

// Asks `servers`, such as "127.0.0.1:5353,[::1]", or those of the system where NULL; NULL if they cannot be used.
cnames_t *cnames_create(const char *servers);

// Ends all questions as CNAMES_FAILED.
void cnames_destroy(cnames_t *names);

// Asks for the addresses of `name`: /etc/hosts first, then servers. The answer comes once, maybe before this returns.
void cnames_look_up(cnames_t *names, const char *name, cnames_answer_t answer, void *context);

// The sockets to wait for, at most `limit`, each with 1 for reading and 2 for writing, or both; returns how many.
int cnames_sockets(cnames_t *names, int *descriptors, int *events, int limit);

// Milliseconds until cnames_process is to be called although nothing happens; -1 where nothing is asked.
int cnames_wait(cnames_t *names);

// Reads and writes what `descriptor` is ready for, -1 for none, and looks at the time.
void cnames_process(cnames_t *names, int descriptor, int events);

#endif
