import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/**
 * Lets accept(2) fail with ENFILE, the limit of open files of the whole system, for as long as the file exists that
 * ACCEPT_FAULT names: the limit itself is everybody's and is left alone. As in a system at its limit, who is told so and
 * closes a file may accept in its stead, until nobody waits any more.
 */
const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
static int has_room;
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  int (*real)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
  const char *path = getenv("ACCEPT_FAULT");
  if (!path || access(path, F_OK) != 0) return real(fd, address, length, flags);
  if (!has_room) { has_room = 1; errno = ENFILE; return -1; }
  int accepted = real(fd, address, length, flags);
  if (accepted < 0) has_room = 0;
  return accepted;
}
`

/** Why the fault cannot be made; undefined when it can. For `test.skipIf`. */
export const acceptFaultMissing: string | undefined =
  process.platform !== 'linux' || spawnSync('cc', ['--version']).status !== 0
    ? 'needs Linux and a C compiler (cc)'
    : undefined

/** Compiles the library for LD_PRELOAD into a directory, and returns its path. */
export function buildAcceptFault(directory: string): string {
  const path = join(directory, 'accept-fault.so')
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-x', 'c', '-', '-o', path, '-ldl'], {
    input: SOURCE,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`cc fails: ${stderr}`)
  return path
}
