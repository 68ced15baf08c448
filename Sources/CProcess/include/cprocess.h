// A child process in a process group of its own, whose output is read until its end.
#ifndef CPROCESS_H
#define CPROCESS_H

#include "crashlog.h"

#include <stddef.h>

typedef struct {
    int pid;
    int pidfd;   // readable once the process has ended
    int output;  // what it writes to standard output and standard error, or to standard output alone
    int input;   // its standard input; -1 where that is /dev/null
    int errors;  // what it writes to standard error alone; -1 where there is no such pipe
} cprocess_t;

// Starts argv[0], a path, with argv, which ends with NULL; returns 0 or an errno.
//
// The child leads a new process group, gets standard input from /dev/null, inherits no other descriptor, no blocked
// and no ignored signal, and is killed when the calling THREAD ends: call it from a thread that outlives the child.
int cprocess_start(cprocess_t *process, char *const argv[]);

// The same, but it gets `environment`, which ends with NULL, and writes where this process writes: `output` is -1.
int cprocess_start_beside(cprocess_t *process, char *const argv[], char *const environment[]);

// The same as cprocess_start, but with three pipes, which block nobody: for a program that answers what it is told.
int cprocess_start_answering(cprocess_t *process, char *const argv[]);

// Writes to its standard input as write does, but that one which has closed it is an error, EPIPE, and no signal.
long cprocess_write(cprocess_t *process, const void *bytes, size_t size);

// Waits for output: returns how many bytes were read; 0 once the process has ended and all its output was read.
long cprocess_read(cprocess_t *process, void *buffer, size_t size);

// Sends a signal to the process group; the process must not be reaped yet.
void cprocess_signal(const cprocess_t *process, int signal);

// Kills what is left of the group, reaps the process and closes its descriptors.
// Returns its exit code, or minus the signal that killed it.
int cprocess_reap(cprocess_t *process);

#endif
