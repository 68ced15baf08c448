#include "cnames.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_LIMIT = 16, CHANNELS = 3 };

// Names with a dot are whole; others may be the first part of one in the system's own domains.
enum { HOSTS_FILE, WHOLE, SEARCHED };

struct cnames {
    ares_channel channels[CHANNELS];
};

typedef struct {
    cnames_answer_t answer;
    void *context;
    int open;    // parts without an answer
    int failed;  // parts that nobody could say anything about
    int count;
    int64_t seconds;
    cnames_address_t addresses[ADDRESS_LIMIT];
} question_t;

static int make_channel(ares_channel *channel, const char *servers, char *lookups, int flags) {
    struct ares_options options;
    memset(&options, 0, sizeof options);
    options.flags = flags;
    options.timeout = 1000;
    options.tries = 3;
    options.lookups = lookups;
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
    if (ares_init_options(channel, &options, mask) != ARES_SUCCESS) return 0;
    if (!servers || ares_set_servers_ports_csv(*channel, servers) == ARES_SUCCESS) return 1;
    ares_destroy(*channel);
    *channel = NULL;
    return 0;
}

cnames_t *cnames_create(const char *servers) {
    static int is_ready = -1;
    if (is_ready < 0) is_ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    cnames_t *names = calloc(1, sizeof *names);
    if (!is_ready || !names) return free(names), NULL;
    if (make_channel(&names->channels[HOSTS_FILE], NULL, "f", ARES_FLAG_NOSEARCH)
        && make_channel(&names->channels[WHOLE], servers, "b", ARES_FLAG_NOSEARCH)
        && make_channel(&names->channels[SEARCHED], servers, "b", 0))
        return names;
    cnames_destroy(names);
    return NULL;
}

void cnames_destroy(cnames_t *names) {
    for (int i = 0; i < CHANNELS; i++)
        if (names->channels[i]) ares_destroy(names->channels[i]);
    free(names);
}

static void take(question_t *question, const struct ares_addrinfo *found) {
    for (const struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next) {
        if (question->count == ADDRESS_LIMIT) return;
        cnames_address_t *address = &question->addresses[question->count];
        if (node->ai_family == AF_INET) {
            address->is_ipv6 = 0;
            memcpy(address->bytes, &((struct sockaddr_in *)node->ai_addr)->sin_addr, 4);
        } else if (node->ai_family == AF_INET6) {
            address->is_ipv6 = 1;
            memcpy(address->bytes, &((struct sockaddr_in6 *)node->ai_addr)->sin6_addr, 16);
        } else {
            continue;
        }
        question->count++;
        if (node->ai_ttl < question->seconds) question->seconds = node->ai_ttl;
    }
}

static void take_answer(void *context, int status, int timeouts, struct ares_addrinfo *found) {
    (void)timeouts;
    question_t *question = context;
    int is_none = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
    if (status == ARES_SUCCESS && found) take(question, found);
    else if (!is_none) question->failed++;
    if (found) ares_freeaddrinfo(found);
    if (--question->open > 0) return;
    int outcome = question->count > 0 ? CNAMES_FOUND : question->failed > 0 ? CNAMES_FAILED : CNAMES_NONE;
    question->answer(question->context, outcome, question->addresses, question->count, question->seconds);
    free(question);
}

// What /etc/hosts says is asked for apart: a name that it has is asked of no server, for neither family.
static void take_from_file(void *context, int status, int timeouts, struct ares_addrinfo *found) {
    (void)timeouts;
    question_t *question = context;
    if (status == ARES_SUCCESS && found) take(question, found);
    if (found) ares_freeaddrinfo(found);
}

void cnames_look_up(cnames_t *names, const char *name, cnames_answer_t answer, void *context) {
    question_t *question = calloc(1, sizeof *question);
    if (!question) return answer(context, CNAMES_FAILED, NULL, 0, 0);
    question->answer = answer;
    question->context = context;
    question->seconds = 60;
    struct ares_addrinfo_hints hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    ares_getaddrinfo(names->channels[HOSTS_FILE], name, NULL, &hints, take_from_file, question);
    if (question->count > 0) {
        answer(context, CNAMES_FOUND, question->addresses, question->count, question->seconds);
        return free(question);
    }
    // Each family on its own: one that nobody can say anything about must not look like one that has no address.
    question->seconds = INT32_MAX;
    question->open = 2;
    ares_channel channel = names->channels[strchr(name, '.') ? WHOLE : SEARCHED];
    hints.ai_family = AF_INET;
    ares_getaddrinfo(channel, name, NULL, &hints, take_answer, question);
    hints.ai_family = AF_INET6;
    ares_getaddrinfo(channel, name, NULL, &hints, take_answer, question);
}

int cnames_sockets(cnames_t *names, int *descriptors, int *events, int limit) {
    int count = 0;
    for (int i = WHOLE; i < CHANNELS; i++) {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        int bits = ares_getsock(names->channels[i], sockets, ARES_GETSOCK_MAXNUM);
        for (int n = 0; n < ARES_GETSOCK_MAXNUM && count < limit; n++) {
            int wanted = (ARES_GETSOCK_READABLE(bits, n) ? 1 : 0) | (ARES_GETSOCK_WRITABLE(bits, n) ? 2 : 0);
            if (!wanted) continue;
            descriptors[count] = sockets[n];
            events[count++] = wanted;
        }
    }
    return count;
}

int cnames_wait(cnames_t *names) {
    int least = -1;
    for (int i = WHOLE; i < CHANNELS; i++) {
        struct timeval time;
        if (!ares_timeout(names->channels[i], NULL, &time)) continue;
        int wait = (int)(time.tv_sec * 1000 + time.tv_usec / 1000) + 1;
        if (least < 0 || wait < least) least = wait;
    }
    return least;
}

void cnames_process(cnames_t *names, int descriptor, int events) {
    // A descriptor that a channel does not know changes nothing there.
    for (int i = WHOLE; i < CHANNELS; i++)
        ares_process_fd(
            names->channels[i], events & 1 ? descriptor : ARES_SOCKET_BAD, events & 2 ? descriptor : ARES_SOCKET_BAD);
}
