#define _GNU_SOURCE
#include "cfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>

const int cfiles_path_only = O_PATH;

int cfiles_open_beneath(int root, const char *path) {
#ifdef SYS_openat2
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    // EAGAIN: a rename elsewhere made the kernel unsure.
    for (int attempt = 0; attempt < 16; attempt++) {
        long descriptor = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (descriptor >= 0 || errno != EAGAIN) return (int)descriptor;
    }
    return -1;
#else
    (void)root;
    (void)path;
    errno = ENOSYS;
    return -1;
#endif
}

int cfiles_rename_new(const char *from, const char *to) {
#ifdef SYS_renameat2
    const unsigned no_replace = 1;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, no_replace);
#else
    (void)from;
    (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

void cfiles_trim(void) { malloc_trim(0); }
