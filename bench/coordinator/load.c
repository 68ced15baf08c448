// Simulated workers for `scripts/bench coordinator`: what workers send to a coordinator, without the work.
//
// Each worker has a connection of its own and does one thing at a time: it leases units, holds them, puts two small files
// for each into scratch and publishes it; meanwhile it sends heartbeats with the leases that it holds. One thread, epoll,
// no memory that grows with time but the latencies: as little as possible of the processor that the coordinator runs on.
//
// Prints one JSON object: for each kind of request how many a second, and the latencies; what went wrong, by kind.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, LEASE = 512, BODY = 64 << 10, ANSWER = 256 << 10 };

enum kind { ACQUIRE, PUBLISH, HEARTBEAT, RELEASE, KINDS, NOTHING };
static const char *const paths[KINDS] = {"leases", "publish", "heartbeat", "release"};
static const char *const names[KINDS] = {"acquire", "publish", "heartbeat", "release"};

// A file as the coordinator may look at it, with its SHA-256.
struct content {
    const char *bytes;
    size_t size;
    const char *digest;
};

// An empty frame of zstd, and what begins and ends as a table.
static const struct content shard = {
    "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", 9, "6fb8543883dafcc2ed0934866b8b3f775231f5b0933add08bf502e9e84944cbd"};
static const struct content table = {
    "PAR1bench   PAR1", 16, "511d149045c9e477e35d5c134a31a66547232a4c988b6aadaa656c7fc088ad4e"};

static struct {
    const char *host, *scratch;
    char token[256];
    int port, workers, batch;
    double rate, heartbeats, seconds, warm_up;  // a rate of 0: as fast as possible
    long cycles;                                // 0: until the time is over
} settings = {.workers = 1000, .batch = 1, .seconds = 30, .host = "127.0.0.1"};

struct held {
    char lease[LEASE];
    char name[128];  // of the shard
    long generation;
};

struct worker {
    int fd;
    char name[32];
    long requests;
    struct held held[BATCH];
    int held_count;
    enum kind kind;           // of the request that has no answer yet
    double start;             // when it was due, or sent
    double since;             // the same for the first of several attempts; 0 for none
    double due[3];            // the next of each kind; a publish is due when something is held
    double next_cycle;
    char request[BODY];
    int request_size, sent;
    char *answer;
    int answer_size;
    int is_done;
};

static struct {
    uint32_t *microseconds;
    long count, room;
    long late;  // refused for now, and sent again
} measured[KINDS];
static long stale, lost, reconnected, failed, published;
static char first_failure[512];
static int is_stopping, epoll_fd;
static double measure_from, measure_until = 1e300;

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("error: load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void measure(enum kind kind, double start, double end) {
    if (end < measure_from || end > measure_until) return;
    if (measured[kind].count == measured[kind].room) {
        measured[kind].room = measured[kind].room ? measured[kind].room * 2 : 1 << 14;
        measured[kind].microseconds =
            realloc(measured[kind].microseconds, (size_t)measured[kind].room * sizeof(uint32_t));
        if (!measured[kind].microseconds) die("out of memory");
    }
    measured[kind].microseconds[measured[kind].count++] = (uint32_t)((end - start) * 1e6);
}

// MARK: Connections

static void open_connection(struct worker *w) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings.port)};
    inet_pton(AF_INET, settings.host, &address.sin_addr);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&address, sizeof address))
        die("cannot connect: %s", strerror(errno));
    int yes = 1;
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(w->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &event);
}

static void flush_request(struct worker *w) {
    while (w->sent < w->request_size) {
        ssize_t count = send(w->fd, w->request + w->sent, (size_t)(w->request_size - w->sent), MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) return;  // the answer will not come either: it is noticed there
        w->sent += (int)count;
    }
    struct epoll_event event = {.events = EPOLLIN | (w->sent < w->request_size ? EPOLLOUT : 0), .data.ptr = w};
    if (w->sent < w->request_size) epoll_ctl(epoll_fd, EPOLL_CTL_MOD, w->fd, &event);
}

static void reopen(struct worker *w) {
    close(w->fd);
    reconnected++;
    open_connection(w);
    w->answer_size = w->sent = 0;
    if (w->kind != NOTHING) flush_request(w);
}

// MARK: Requests

static void send_request(struct worker *w, enum kind kind, double start, const char *body, int size) {
    w->kind = kind;
    w->start = w->since > 0 ? w->since : start;
    w->sent = w->answer_size = 0;
    w->request_size = snprintf(
        w->request, BODY,
        "POST /api/v1/%s HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n%.*s",
        paths[kind], settings.host, settings.port, settings.token, size, size, body);
    if (w->request_size >= BODY) die("a request that is too long");
    flush_request(w);
}

static void acquire(struct worker *w, double start) {
    char body[256];
    int size = snprintf(
        body, sizeof body, "{\"worker\":\"%s\",\"incarnation\":\"%s-1\",\"request\":\"%s-%ld\",\"count\":%d}", w->name,
        w->name, w->name, w->requests, settings.batch);
    send_request(w, ACQUIRE, start, body, size);
}

static void put(const struct held *unit, const char *ending, const struct content *content) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.%ld%s", settings.scratch, unit->name, unit->generation, ending);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, content->bytes, content->size) != (ssize_t)content->size)
        die("cannot write %s: %s", path, strerror(errno));
    close(fd);
}

static void publish(struct worker *w, double start) {
    struct held *unit = &w->held[w->held_count - 1];
    put(unit, ".tar.zst", &shard);
    put(unit, ".parquet", &table);
    char body[LEASE + 1024];
    int size = snprintf(
        body, sizeof body,
        "{\"lease\":%s,\"result\":{\"samples\":1,\"byte_count\":%zu,\"digest\":\"%s\",\"table_byte_count\":%zu,"
        "\"table_digest\":\"%s\",\"rejections\":{},\"made\":{\"shard\":\".state/scratch/%s.%ld.tar.zst\","
        "\"table\":\".state/scratch/%s.%ld.parquet\"}}}",
        unit->lease, shard.size, shard.digest, table.size, table.digest, unit->name, unit->generation, unit->name,
        unit->generation);
    // What it took to write the files is no part of the answer's time.
    send_request(w, PUBLISH, start > 0 ? start : now(), body, size);
}

static void beat(struct worker *w, double start) {
    static char body[BODY];
    int size = snprintf(
        body, sizeof body,
        "{\"worker\":\"%s\",\"incarnation\":\"%s-1\",\"counts\":{\"rows\":%ld,\"samples\":%ld,"
        "\"fetched_byte_count\":%ld,\"rejections\":{}},\"units\":[",
        w->name, w->name, w->requests, w->requests, w->requests * 1000);
    for (int i = 0; i < w->held_count; i++)
        size += snprintf(
            body + size, sizeof body - (size_t)size, "%s{\"lease\":%s,\"rows\":0}", i ? "," : "", w->held[i].lease);
    size += snprintf(body + size, sizeof body - (size_t)size, "]}");
    send_request(w, HEARTBEAT, start, body, size);
}

static void release(struct worker *w) {
    char body[LEASE + 32];
    int size = snprintf(body, sizeof body, "{\"lease\":%s}", w->held[w->held_count - 1].lease);
    send_request(w, RELEASE, now(), body, size);
}

// When the next request of `w` is due, and which; NOTHING while it waits for an answer.
static enum kind next_request(const struct worker *w, double *due) {
    if (w->kind != NOTHING || w->is_done) return NOTHING;
    if (is_stopping) {
        *due = 0;
        return w->held_count ? RELEASE : NOTHING;
    }
    enum kind kind = w->held_count ? PUBLISH : ACQUIRE;
    *due = w->due[kind];
    if (settings.heartbeats > 0 && w->due[HEARTBEAT] < *due) {
        *due = w->due[HEARTBEAT];
        return HEARTBEAT;
    }
    return kind;
}

static void start_request(struct worker *w, enum kind kind, double due, int was_busy) {
    // Who was due while the connection was taken has waited for it since then.
    double start = was_busy && settings.rate > 0 ? due : now();
    switch (kind) {
    case ACQUIRE: acquire(w, start); break;
    case PUBLISH: publish(w, was_busy && settings.rate > 0 ? due : 0); break;
    case HEARTBEAT:
        w->due[HEARTBEAT] += settings.workers / settings.heartbeats;
        if (w->due[HEARTBEAT] < now()) w->due[HEARTBEAT] = now() + settings.workers / settings.heartbeats;
        beat(w, start);
        break;
    case RELEASE: release(w); break;
    default: break;
    }
}

// MARK: Answers

// The end of the JSON object that begins at `text`; strings in it hold no braces.
static const char *object_end(const char *text) {
    int depth = 0;
    for (; *text; text++) {
        if (*text == '{') depth++;
        if (*text == '}' && !--depth) return text + 1;
    }
    return NULL;
}

static long number_after(const char *text, const char *end, const char *key) {
    const char *found = memmem(text, (size_t)(end - text), key, strlen(key));
    return found ? strtol(found + strlen(key), NULL, 10) : -1;
}

static void take_grants(struct worker *w, const char *body) {
    w->held_count = 0;
    for (const char *at = body; w->held_count < BATCH && (at = strstr(at, "\"lease\":{"));) {
        struct held *unit = &w->held[w->held_count];
        const char *lease = at + 8, *end = object_end(lease), *row = end ? strstr(end, "\"unit\":{") : NULL;
        if (!row || end - lease >= LEASE) die("a lease that cannot be read: %s", body);
        const char *row_end = object_end(row + 7), *source = strstr(row, "\"source\":\"");
        memcpy(unit->lease, lease, (size_t)(end - lease));
        unit->lease[end - lease] = 0;
        unit->generation = number_after(lease, end, "\"generation\":");
        long index = number_after(row, row_end, "\"index\":");
        if (!source || index < 0 || unit->generation < 0) die("a unit that cannot be read: %s", body);
        int length = (int)strcspn(source + 10, "\"");
        snprintf(unit->name, sizeof unit->name, "%.*s-%06ld", length, source + 10, index);
        w->held_count++;
        at = row_end;
    }
    if (!w->held_count) die("a grant without a lease: %s", body);
}

/* `retry_after` in seconds, as the answer asks for; 0 where it does not. */
static void handle_answer(struct worker *w, int status, double retry_after, const char *body) {
    double end = now();
    enum kind kind = w->kind;
    w->kind = NOTHING;
    if (status == 503 || status == 429 || strstr(body, "\"busy\"")) {
        // Not now: the same again as late as a real worker would; its time goes on.
        measured[kind].late++;
        w->since = w->start;
        double pause = 0.05 + retry_after * (1 + 0.5 * (double)rand() / RAND_MAX);
        if (kind < RELEASE) w->due[kind] = end + pause;
        return;
    }
    w->since = 0;
    if (status != 200) {
        if (!failed++) snprintf(first_failure, sizeof first_failure, "%s: %d %s", names[kind], status, body);
        if (failed > 100) die("too many failures; the first: %s", first_failure);
        if (kind == PUBLISH || kind == RELEASE) w->held_count--;
        return;
    }
    double period = settings.rate > 0 ? settings.workers / settings.rate : 0;
    switch (kind) {
    case ACQUIRE:
        w->requests++;
        if (strstr(body, "\"granted\"")) {
            measure(kind, w->start, end);
            take_grants(w, body);
            w->due[PUBLISH] = settings.rate > 0 ? w->next_cycle + 0.8 * period : end;
        } else if (strstr(body, "\"wait\"")) {
            w->due[ACQUIRE] = end + 1;
        } else {
            w->is_done = 1;
        }
        break;
    case PUBLISH:
        measure(kind, w->start, end);
        w->held_count--;
        if (strstr(body, "\"stale\"")) stale++;
        else published++;
        if (settings.cycles && published == settings.cycles / 20) measure_from = end;
        if (settings.cycles && published >= settings.cycles) is_stopping = 1;
        if (w->held_count) break;
        w->next_cycle += period;
        if (w->next_cycle < end) w->next_cycle = end;
        w->due[ACQUIRE] = w->next_cycle;
        break;
    case HEARTBEAT:
        measure(kind, w->start, end);
        if (!strstr(body, "\"lost\":[]")) lost++;
        break;
    case RELEASE: w->held_count--; break;
    default: break;
    }
}

static void read_answer(struct worker *w) {
    ssize_t count = recv(w->fd, w->answer + w->answer_size, (size_t)(ANSWER - 1 - w->answer_size), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return reopen(w);
    w->answer_size += (int)count;
    w->answer[w->answer_size] = 0;
    char *end = strstr(w->answer, "\r\n\r\n"), *length = strcasestr(w->answer, "\r\ncontent-length:");
    if (!end) return;
    if (!length || length > end) die("an answer without a length: %s", w->answer);
    long size = strtol(length + 17, NULL, 10);
    if (w->answer_size < end + 4 - w->answer + size) return;
    if (w->kind == NOTHING) die("an answer without a request: %s", w->answer);
    char *later = strcasestr(w->answer, "\r\nretry-after:");
    handle_answer(w, atoi(w->answer + 9), later && later < end ? atof(later + 14) : 0, end + 4);
    double due = 1e300;
    enum kind next = next_request(w, &due);
    if (next != NOTHING && due <= now()) start_request(w, next, due, 1);
}

// MARK: Results

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(enum kind kind, double share) {
    long count = measured[kind].count;
    long place = (long)(share * (double)count);
    return count ? measured[kind].microseconds[place < count ? place : count - 1] / 1e3 : 0;
}

static void report(double seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    printf("{\"seconds\":%.2f,\"cpu_seconds\":%.2f,\"published\":%ld", seconds, cpu, published);
    for (enum kind kind = ACQUIRE; kind <= HEARTBEAT; kind++) {
        qsort(measured[kind].microseconds, (size_t)measured[kind].count, sizeof(uint32_t), ascending);
        printf(
            ",\"%s\":{\"count\":%ld,\"per_second\":%.1f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,"
            "\"repeated\":%ld}",
            names[kind], measured[kind].count, (double)measured[kind].count / seconds, percentile(kind, 0.5),
            percentile(kind, 0.99), percentile(kind, 1), measured[kind].late);
    }
    printf(
        ",\"stale\":%ld,\"lost\":%ld,\"reconnected\":%ld,\"failed\":%ld}\n", stale, lost, reconnected, failed);
    if (failed) fprintf(stderr, "load: the first failure: %s\n", first_failure);
}

// MARK: The run

static void read_arguments(int count, char **arguments) {
    for (int i = 1; i + 1 < count; i += 2) {
        const char *key = arguments[i], *value = arguments[i + 1];
        if (!strcmp(key, "--port")) settings.port = atoi(value);
        else if (!strcmp(key, "--scratch")) settings.scratch = value;
        else if (!strcmp(key, "--workers")) settings.workers = atoi(value);
        else if (!strcmp(key, "--batch")) settings.batch = atoi(value);
        else if (!strcmp(key, "--rate")) settings.rate = atof(value);
        else if (!strcmp(key, "--heartbeats")) settings.heartbeats = atof(value);
        else if (!strcmp(key, "--seconds")) settings.seconds = atof(value);
        else if (!strcmp(key, "--cycles")) settings.cycles = atol(value);
        else if (!strcmp(key, "--warm-up")) settings.warm_up = atof(value);
        else if (!strcmp(key, "--token-file")) {
            FILE *file = fopen(value, "r");
            if (!file || fscanf(file, "%255s", settings.token) != 1) die("cannot read %s", value);
            fclose(file);
        } else die("unknown argument %s", key);
    }
    if (!settings.port || !settings.scratch || !settings.token[0] || settings.batch > BATCH)
        die("want --port, --scratch and --token-file, and a --batch of %d at most", BATCH);
}

int main(int count, char **arguments) {
    read_arguments(count, arguments);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct worker *workers = calloc((size_t)settings.workers, sizeof *workers);
    if (!workers) die("out of memory");
    for (int i = 0; i < settings.workers; i++) {
        workers[i].kind = NOTHING;
        workers[i].answer = malloc(ANSWER);
        snprintf(workers[i].name, sizeof workers[i].name, "w%d-%d", getpid(), i);
        open_connection(&workers[i]);
    }
    double begin = now(), until = begin + settings.warm_up + settings.seconds;
    // Either for a time, or from a twentieth of the cycles on to the last.
    measure_from = settings.cycles > 20 ? 1e300 : begin + settings.warm_up;
    if (!settings.cycles) measure_until = until;
    for (int i = 0; i < settings.workers; i++) {
        // Evenly over the time of one cycle and of one heartbeat.
        double place = (double)i / settings.workers;
        struct worker *w = &workers[i];
        w->next_cycle = w->due[ACQUIRE] = begin + (settings.rate > 0 ? place * settings.workers / settings.rate : 0);
        // Not in step with the cycles.
        double beat_place = (double)((i * 617L) % settings.workers) / settings.workers;
        w->due[HEARTBEAT] = begin + (settings.heartbeats > 0 ? beat_place * settings.workers / settings.heartbeats : 0);
    }
    double stopped = 0;
    for (;;) {
        double time = now(), earliest = time + 0.1;
        if (!settings.cycles && time >= until) is_stopping = 1;
        if (is_stopping && !stopped) stopped = time;
        int is_open = 0;
        for (int i = 0; i < settings.workers; i++) {
            double due = 1e300;
            enum kind next = next_request(&workers[i], &due);
            is_open |= workers[i].kind != NOTHING || (next != NOTHING && !workers[i].is_done);
            if (next == NOTHING) continue;
            if (due <= time) start_request(&workers[i], next, due, 0);
            else if (due < earliest) earliest = due;
        }
        if (!is_open) break;
        if (stopped && time > stopped + 60) die("no answer to what was sent last");
        double wait = earliest - now();
        struct epoll_event events[256];
        struct timespec pause = {0, wait > 0 ? (long)(wait * 1e9) : 0};
        int ready = epoll_pwait2(epoll_fd, events, 256, &pause, NULL);
        for (int i = 0; i < ready; i++) {
            if (events[i].events & EPOLLOUT) flush_request(events[i].data.ptr);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_answer(events[i].data.ptr);
        }
    }
    if (!stopped) stopped = now();
    report((stopped < measure_until ? stopped : measure_until) - measure_from);
}
