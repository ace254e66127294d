// The system calls of Linux sockets that Swift's import leaves out (recvmmsg, sendmmsg, accept4, the error queue, epoll with data), with
// addresses in one plain form.
//
// Every function answers with what the call did, zero or more, or with the negative errno. Descriptors are non-blocking and close on exec.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A transport address: the numbers in host order; `high` is 0 for IPv4.
typedef struct socket_address {
  uint64_t high;
  uint64_t low;
  uint16_t port;
  bool is_v6;
} socket_address;

/// One datagram of a batch: `length` bytes from `offset` of the batch's memory, to `destination`.
typedef struct outgoing_datagram {
  size_t offset;
  size_t length;
  socket_address destination;
} outgoing_datagram;

/// Datagrams sent or read with one call.
enum { socket_batch = 32 };

/// A bound UDP socket that keeps ICMP errors in its error queue (IP_RECVERR). `address` becomes the real one.
int socket_bind_datagram(socket_address *address, int receive_buffer);

/// A listening TCP socket with SO_REUSEADDR. `address` becomes the real one.
int socket_listen(socket_address *address, int backlog);

/// Takes a connection; -EAGAIN when none waits.
int socket_accept(int listener, socket_address *local, socket_address *remote);

/// Begins to connect, from `source` unless it is NULL. `is_complete`: it is up already.
int socket_connect(const socket_address *source, const socket_address *destination, bool *is_complete);

/// How an attempt to connect ended: 0, or the negative errno.
int socket_connect_result(int descriptor);

/// The socket's own address.
int socket_local_address(int descriptor, socket_address *address);

/// Reads up to `count` (at most socket_batch) datagrams, each into its slot of `slot_size` bytes.
int socket_receive(int descriptor, uint8_t *slots, size_t slot_size, int count, socket_address *sources, uint32_t *lengths);

/// Sends up to `count` (at most socket_batch) datagrams of `memory`. The number that the kernel took; the errno of the first otherwise.
int socket_send(int descriptor, const uint8_t *memory, const outgoing_datagram *datagrams, int count);

/// The next error of the queue (ip(7)): 1, or 0 when there is none. `origin`: SO_EE_ORIGIN_ICMP and so on; `type` and `code` of ICMP;
/// `error`: the errno it stands for; `destination`: where the datagram went that met it.
int socket_next_error(int descriptor, socket_address *destination, uint8_t *origin, uint8_t *type, uint8_t *code, int *error);

/// Reads bytes of a stream; 0 = the peer's FIN.
int socket_read(int descriptor, uint8_t *bytes, size_t count);

/// Writes bytes of a stream, without SIGPIPE.
int socket_write(int descriptor, const uint8_t *bytes, size_t count);

/// Sends FIN.
int socket_finish(int descriptor);

/// Closes; `is_reset`: with RST, by a linger time of zero (socket(7)).
int socket_close(int descriptor, bool is_reset);

/// A descriptor kept in reserve.
int socket_spare(void);

/// What epoll said of one descriptor.
typedef struct ready_descriptor {
  uint64_t key;
  bool is_readable;
  bool is_writable;
  bool is_failed;
} ready_descriptor;

int poll_create(void);
/// Watches a descriptor, or changes what it is watched for; `is_new` the first time.
int poll_watch(int poll, int descriptor, uint64_t key, bool reads, bool writes, bool is_new);
int poll_forget(int poll, int descriptor);
/// Waits until a descriptor is ready, `nanoseconds` at the longest: 0 only looks, less waits for ever. A kernel before 5.11 rounds up to
/// milliseconds.
int poll_wait(int poll, ready_descriptor *ready, int count, int64_t nanoseconds);

/// Timers of the calling thread become due exactly: without this, waiting may take 50 µs longer (prctl(2), PR_SET_TIMERSLACK).
int exact_timers(void);

/// A descriptor that becomes readable when another thread calls `wake_up`.
int wake_create(void);
int wake_up(int descriptor);
/// Makes a `wake_create` descriptor quiet again.
int wake_clear(int descriptor);

/// Random bytes of the kernel, at most 256: all of them at once (getrandom(2)).
int random_bytes(void *bytes, size_t count);

/// The soft and hard limits of open descriptors (RLIMIT_NOFILE).
int descriptor_limits(uint64_t *soft, uint64_t *hard);
/// Raises the soft limit to `soft`.
int descriptor_limit_set(uint64_t soft);

/// What a name query ended with, beside the length of its answer.
enum { name_missing = -1, name_without_data = -2, name_unanswered = -3 };

/// Asks the name service for records of a type (RFC 1035 §3.2.2) and waits for the answer: never on a loop. The answer is a DNS message.
///
/// `server`: whom it asks; NULL = as /etc/resolv.conf says. `seconds`: for each of two attempts; 0 = as there.
int name_query(const char *name, uint16_t type, const socket_address *server, int seconds, uint8_t *answer, int size);
