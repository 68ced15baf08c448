#include "crashlog.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int report_descriptor = -1;
static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

// Written by its own thread, read by the handler on the same thread.
static _Thread_local char line[1024];
static _Thread_local volatile sig_atomic_t length;

static void crashed(int signal) {
    int saved = errno;
    if (length > 0) {
        char text[sizeof line + 4];
        memcpy(text, line, (size_t)length);
        size_t count = (size_t)length;
        text[count++] = (char)('0' + signal / 10);
        text[count++] = (char)('0' + signal % 10);
        text[count++] = '\n';
        if (write(report_descriptor, text, count) < 0) length = 0;  // nobody is left to tell
    }
    errno = saved;
    // The handler was taken away when it was entered: returning strikes again, this time for good.
    raise(signal);
}

int crashlog_install(int descriptor) {
    report_descriptor = descriptor;
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        if (sigaction(fatal[i], &action, NULL) != 0) return errno;
    }
    return 0;
}

// A stack that overflows leaves no room for a handler: every thread that works on rows has a second one.
static void make_stack(void) {
    static _Thread_local char stack[1 << 14];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
}

void crashlog_set(const char *text) {
    static _Thread_local int has_stack;
    if (!has_stack) {
        make_stack();
        has_stack = 1;
    }
    // A line of its own, whatever was being written.
    int count = snprintf(line, sizeof line, "\n%s ", text);
    length = count > 0 && count < (int)sizeof line ? count : 0;
}

void crashlog_clear(void) { length = 0; }
