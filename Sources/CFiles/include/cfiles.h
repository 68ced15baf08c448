// What the C library has no function for.
#ifndef CFILES_H
#define CFILES_H

// Opens the file `path` beneath the folder `root` for reading, by openat2; no part of the path leads out of it.
// Returns the descriptor, or -1 and errno; ENOSYS where the kernel has no openat2.
int cfiles_open_beneath(int root, const char *path);

// O_PATH: a folder that is only gone through.
extern const int cfiles_path_only;

// Renames `from` to `to` where nothing has that name yet: renameat2 with RENAME_NOREPLACE.
// Returns 0, or -1 and errno; EEXIST where the name is taken, EINVAL or ENOSYS where the file system cannot.
int cfiles_rename_new(const char *from, const char *to);

// Has malloc give back to the system what it holds and nobody uses.
void cfiles_trim(void);

#endif
