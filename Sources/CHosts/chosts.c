#define _GNU_SOURCE  // fallocate
#include "chosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROW_COUNT = 1 << 14 };

static const int64_t SHORT_WAIT = 20 * 1000000;        // until a place may be free
static const int64_t WISH_LIFETIME = 200 * 1000000;    // of one who was refused
static const int64_t LONGEST_WAIT = 60 * 1000000000LL;  // a time further off is that of another boot

typedef struct {
    _Atomic int64_t next_start;
    _Atomic int64_t wish;  // until when somebody wishes for a place, and in the low 12 bits who
    _Atomic uint16_t counts[];
} row_t;

struct chosts {
    char *memory;
    size_t size, row_size;
    int lanes, lane;
};

static row_t *row_at(const chosts_t *table, uint64_t key) {
    return (row_t *)(table->memory + (key % ROW_COUNT) * table->row_size);
}

int64_t chosts_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// Makes the file at least `size` bytes long, and takes its blocks now: a full disk must be told here, and not by a signal at
// the first write into the map. A longer file is for more lanes; it only grows, so that nobody loses what is mapped.
//
// posix_fallocate would do without the file system's help by writing, over what others count at the same time.
static int reserve(int file, off_t size, off_t known_size) {
    if (fallocate(file, 0, 0, size) == 0) return 1;
    return errno == EOPNOTSUPP && (known_size >= size || ftruncate(file, size) == 0);
}

chosts_t *chosts_open(const char *path, int lanes, int lane) {
    chosts_t *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    table->lanes = lanes;
    table->lane = lane;
    table->row_size = (sizeof(row_t) + lanes * sizeof(uint16_t) + 7) / 8 * 8;
    table->size = table->row_size * ROW_COUNT;
    int file = -1, flags = path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    struct stat status;
    if (path) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || fstat(file, &status) != 0 || !reserve(file, (off_t)table->size, status.st_size)) goto failed;
    }
    table->memory = mmap(NULL, table->size, PROT_READ | PROT_WRITE, flags, file, 0);
    if (table->memory == MAP_FAILED) goto failed;
    if (file >= 0) close(file);
    for (uint64_t row = 0; path && row < ROW_COUNT; row++)
        if (atomic_load(&row_at(table, row)->counts[lane])) atomic_store(&row_at(table, row)->counts[lane], 0);
    return table;
failed:;
    int code = errno;
    if (file >= 0) close(file);
    free(table);
    errno = code;
    return NULL;
}

void chosts_close(chosts_t *table) {
    munmap(table->memory, table->size);
    free(table);
}

static int64_t refused(_Atomic uint16_t *own, int64_t wait) {
    atomic_fetch_sub(own, 1);
    return wait;
}

int64_t chosts_claim(chosts_t *table, uint64_t key, int limit, int64_t interval, int64_t now) {
    row_t *row = row_at(table, key);
    _Atomic uint16_t *own = &row->counts[table->lane];
    int64_t wish = atomic_load(&row->wish);
    int held = atomic_fetch_add(own, 1) + 1, total = 0;

    // 1. Whoever has more than its share gives way to one who was refused.
    int is_foreign = (wish & 0xfff) != (table->lane & 0xfff);
    if (wish > now && wish < now + LONGEST_WAIT && is_foreign && held > limit / table->lanes)
        return refused(own, SHORT_WAIT);

    // 2. A place, counted over all lanes.
    for (int lane = 0; lane < table->lanes; lane++) total += atomic_load(&row->counts[lane]);
    if (total > limit) {
        atomic_store(&row->wish, ((now + WISH_LIFETIME) & ~0xfffLL) | (table->lane & 0xfff));
        return refused(own, SHORT_WAIT);
    }

    // 3. A start.
    int64_t next = atomic_load(&row->next_start);
    while (interval > 0) {
        int is_due = next <= now || next > now + LONGEST_WAIT + interval;
        if (!is_due) return refused(own, next - now);
        if (atomic_compare_exchange_weak(&row->next_start, &next, now + interval)) break;
    }
    return 0;
}

void chosts_release(chosts_t *table, uint64_t key) { atomic_fetch_sub(&row_at(table, key)->counts[table->lane], 1); }
