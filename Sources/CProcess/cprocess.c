#define _GNU_SOURCE
#include "cprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

// Makes `streams` the three standard streams; where one is negative, input is /dev/null and the others stay what they are.
static int take(const int streams[3]) {
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(streams[0] < 0 ? null : streams[0], 0) < 0) return 0;
    for (int number = 1; number < 3; number++) {
        if (streams[number] >= 0 && dup2(streams[number], number) < 0) return 0;
    }
    return 1;
}

// In the child, between fork and exec: only what is safe in a fork of a program with threads.
static void become(char *const argv[], char *const environment[], const int streams[3], int report, pid_t parent) {
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (take(streams) && dup2(report, 3) >= 0 && fcntl(3, F_SETFD, FD_CLOEXEC) == 0 &&
        syscall(SYS_close_range, 4u, ~0u, 0u) == 0) {
        execve(argv[0], argv, environment);
    }
    int code = errno;
    (void)!write(3, &code, sizeof code);
    _exit(127);
}

// Moves a descriptor above those that the child gives new meanings.
static int raised(int descriptor) {
    int other = fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
    close(descriptor);
    return other;
}

static int open_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    ends[0] = raised(ends[0]);
    ends[1] = raised(ends[1]);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

static int start(cprocess_t *process, char *const argv[], char *const environment[], const int streams[3]) {
    int report[2];
    if (open_pipe(report) != 0) return errno;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become(argv, environment, streams, report[1], parent);
    int code = pid < 0 ? errno : 0;
    close(report[1]);
    // The report's end closes when exec succeeds; else it carries why it did not.
    if (pid > 0) {
        long count;
        while ((count = read(report[0], &code, sizeof code)) < 0 && errno == EINTR) {}
        if (count > 0) wait_for(pid);
    }
    close(report[0]);
    if (code == 0) {
        process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (process->pidfd < 0) {
            code = errno;
            kill(pid, SIGKILL);
            wait_for(pid);
        }
    }
    process->pid = pid;
    process->output = process->input = process->errors = -1;
    return code;
}

int cprocess_start(cprocess_t *process, char *const argv[]) {
    int output[2];
    if (open_pipe(output) != 0) return errno;
    int streams[] = {-1, output[1], output[1]};
    int code = start(process, argv, environ, streams);
    close(output[1]);
    if (code != 0) {
        close(output[0]);
        return code;
    }
    process->output = output[0];
    fcntl(process->output, F_SETFL, O_NONBLOCK);
    return 0;
}

int cprocess_start_beside(cprocess_t *process, char *const argv[], char *const environment[]) {
    int streams[] = {-1, -1, -1};
    return start(process, argv, environment, streams);
}

int cprocess_start_answering(cprocess_t *process, char *const argv[]) {
    int pipes[3][2], code = 0, made = 0;
    while (made < 3 && code == 0) {
        if (open_pipe(pipes[made]) != 0) code = errno;
        else made++;
    }
    if (code == 0) {
        int streams[] = {pipes[0][0], pipes[1][1], pipes[2][1]};
        code = start(process, argv, environ, streams);
    }
    for (int number = 0; number < made; number++) {
        int is_input = number == 0;
        close(pipes[number][is_input ? 0 : 1]);
        if (code != 0) close(pipes[number][is_input ? 1 : 0]);
    }
    if (code != 0) return code;
    process->input = pipes[0][1];
    process->output = pipes[1][0];
    process->errors = pipes[2][0];
    fcntl(process->input, F_SETFL, O_NONBLOCK);
    fcntl(process->output, F_SETFL, O_NONBLOCK);
    fcntl(process->errors, F_SETFL, O_NONBLOCK);
    return 0;
}

long cprocess_write(cprocess_t *process, const void *bytes, size_t size) {
    sigset_t broken, before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, &before);
    long count = write(process->input, bytes, size);
    int code = errno;
    struct timespec none = {0, 0};
    if (count < 0 && code == EPIPE) sigtimedwait(&broken, NULL, &none);  // a write's signal goes to its own thread
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return count;
}

long cprocess_read(cprocess_t *process, void *buffer, size_t size) {
    for (;;) {
        struct pollfd waits[] = {{process->pidfd, POLLIN, 0}, {process->output, POLLIN, 0}};
        if (poll(waits, 2, -1) < 0) {
            if (errno == EINTR) continue;
            return 0;
        }
        if (waits[0].revents) kill(-process->pid, SIGKILL);  // what it left behind must not write on
        long count = waits[1].revents ? read(process->output, buffer, size) : -1;
        if (count > 0) return count;
        if (count == 0) {  // closed by the child, which may live on
            close(process->output);
            process->output = -1;
        }
        if (waits[0].revents && !(waits[1].revents & POLLIN)) return 0;
    }
}

void cprocess_signal(const cprocess_t *process, int signal) { kill(-process->pid, signal); }

int cprocess_reap(cprocess_t *process) {
    kill(-process->pid, SIGKILL);
    int status = wait_for(process->pid);
    close(process->pidfd);
    if (process->output >= 0) close(process->output);
    if (process->input >= 0) close(process->input);
    if (process->errors >= 0) close(process->errors);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
