#define _GNU_SOURCE
#include "CSockets.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <resolv.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// MARK: - Addresses

static socklen_t to_system(const socket_address *address, struct sockaddr_storage *storage) {
  memset(storage, 0, sizeof *storage);
  if (!address->is_v6) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address->port);
    v4->sin_addr.s_addr = htonl((uint32_t)address->low);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(address->port);
  uint64_t words[2] = {htobe64(address->high), htobe64(address->low)};
  memcpy(&v6->sin6_addr, words, sizeof words);
  return sizeof *v6;
}

static void from_system(const struct sockaddr_storage *storage, socket_address *address) {
  memset(address, 0, sizeof *address);
  if (storage->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
    address->port = ntohs(v4->sin_port);
    address->low = ntohl(v4->sin_addr.s_addr);
  } else if (storage->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
    uint64_t words[2];
    memcpy(words, &v6->sin6_addr, sizeof words);
    address->port = ntohs(v6->sin6_port);
    address->high = be64toh(words[0]);
    address->low = be64toh(words[1]);
    address->is_v6 = true;
  }
}

static int answer(int result) { return result < 0 ? -errno : result; }

static int fail(int descriptor) {
  int error = errno;
  close(descriptor);
  return -error;
}

static int open_socket(bool is_v6, int type) {
  return socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int set(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value);
}

int socket_local_address(int descriptor, socket_address *address) {
  struct sockaddr_storage storage;
  socklen_t size = sizeof storage;
  if (getsockname(descriptor, (struct sockaddr *)&storage, &size) < 0) return -errno;
  from_system(&storage, address);
  return 0;
}

static int bind_to(int descriptor, socket_address *address) {
  struct sockaddr_storage storage;
  socklen_t size = to_system(address, &storage);
  return bind(descriptor, (struct sockaddr *)&storage, size);
}

// MARK: - Opening

int socket_bind_datagram(socket_address *address, int receive_buffer) {
  int descriptor = open_socket(address->is_v6, SOCK_DGRAM);
  if (descriptor < 0) return -errno;
  set(descriptor, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  set(descriptor, IPPROTO_IP, IP_RECVERR, 1);
  if (address->is_v6) set(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1);
  if (bind_to(descriptor, address) < 0) return fail(descriptor);
  if (socket_local_address(descriptor, address) < 0) return fail(descriptor);
  return descriptor;
}

int socket_listen(socket_address *address, int backlog) {
  int descriptor = open_socket(address->is_v6, SOCK_STREAM);
  if (descriptor < 0) return -errno;
  set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind_to(descriptor, address) < 0 || listen(descriptor, backlog) < 0) return fail(descriptor);
  if (socket_local_address(descriptor, address) < 0) return fail(descriptor);
  return descriptor;
}

int socket_accept(int listener, socket_address *local, socket_address *remote) {
  struct sockaddr_storage storage;
  socklen_t size = sizeof storage;
  int descriptor = accept4(listener, (struct sockaddr *)&storage, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return -errno;
  from_system(&storage, remote);
  set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that is gone again already shows itself by its first read.
  if (socket_local_address(descriptor, local) < 0) memset(local, 0, sizeof *local);
  return descriptor;
}

int socket_connect(const socket_address *source, const socket_address *destination, bool *is_complete) {
  int descriptor = open_socket(destination->is_v6, SOCK_STREAM);
  if (descriptor < 0) return -errno;
  set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (source != NULL) {
    socket_address own = *source;
    set(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind_to(descriptor, &own) < 0) return fail(descriptor);
  }
  struct sockaddr_storage storage;
  socklen_t size = to_system(destination, &storage);
  *is_complete = connect(descriptor, (struct sockaddr *)&storage, size) == 0;
  if (!*is_complete && errno != EINPROGRESS) return fail(descriptor);
  return descriptor;
}

int socket_connect_result(int descriptor) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return -error;
}

// MARK: - Datagrams

int socket_receive(int descriptor, uint8_t *slots, size_t slot_size, int count, socket_address *sources, uint32_t *lengths) {
  struct mmsghdr messages[socket_batch];
  struct iovec parts[socket_batch];
  struct sockaddr_storage names[socket_batch];
  if (count > socket_batch) count = socket_batch;
  memset(messages, 0, sizeof messages[0] * (size_t)count);
  for (int index = 0; index < count; index++) {
    parts[index] = (struct iovec){slots + (size_t)index * slot_size, slot_size};
    messages[index].msg_hdr.msg_iov = &parts[index];
    messages[index].msg_hdr.msg_iovlen = 1;
    messages[index].msg_hdr.msg_name = &names[index];
    messages[index].msg_hdr.msg_namelen = sizeof names[index];
  }
  int received = recvmmsg(descriptor, messages, (unsigned)count, MSG_DONTWAIT, NULL);
  for (int index = 0; index < received; index++) {
    from_system(&names[index], &sources[index]);
    lengths[index] = messages[index].msg_len;
  }
  return answer(received);
}

int socket_send(int descriptor, const uint8_t *memory, const outgoing_datagram *datagrams, int count) {
  struct mmsghdr messages[socket_batch];
  struct iovec parts[socket_batch];
  struct sockaddr_storage names[socket_batch];
  if (count > socket_batch) count = socket_batch;
  memset(messages, 0, sizeof messages[0] * (size_t)count);
  for (int index = 0; index < count; index++) {
    parts[index] = (struct iovec){(void *)(memory + datagrams[index].offset), datagrams[index].length};
    messages[index].msg_hdr.msg_iov = &parts[index];
    messages[index].msg_hdr.msg_iovlen = 1;
    messages[index].msg_hdr.msg_name = &names[index];
    messages[index].msg_hdr.msg_namelen = to_system(&datagrams[index].destination, &names[index]);
  }
  if (count == 1) return sendmsg(descriptor, &messages[0].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 1;
  return answer(sendmmsg(descriptor, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int socket_next_error(int descriptor, socket_address *destination, uint8_t *origin, uint8_t *type, uint8_t *code, int *error) {
  uint8_t payload[1];
  char control[512];
  struct sockaddr_storage name;
  struct iovec part = {payload, sizeof payload};
  struct msghdr message = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &part, .msg_iovlen = 1};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return errno == EAGAIN ? 0 : -errno;
  *origin = *type = *code = 0;
  *error = 0;
  from_system(&name, destination);
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL; part = CMSG_NXTHDR(&message, part)) {
    bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                    (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    struct sock_extended_err details;
    memcpy(&details, CMSG_DATA(part), sizeof details);
    *origin = details.ee_origin;
    *type = details.ee_type;
    *code = details.ee_code;
    *error = (int)details.ee_errno;
  }
  return 1;
}

// MARK: - Streams

int socket_read(int descriptor, uint8_t *bytes, size_t count) { return answer((int)recv(descriptor, bytes, count, MSG_DONTWAIT)); }

int socket_write(int descriptor, const uint8_t *bytes, size_t count) {
  return answer((int)send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int socket_finish(int descriptor) { return answer(shutdown(descriptor, SHUT_WR)); }

int socket_close(int descriptor, bool is_reset) {
  struct linger none = {1, 0};
  if (is_reset) setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  return answer(close(descriptor));
}

int socket_spare(void) { return answer(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// MARK: - Waiting

int poll_create(void) { return answer(epoll_create1(EPOLL_CLOEXEC)); }

int poll_watch(int poll, int descriptor, uint64_t key, bool reads, bool writes, bool is_new) {
  struct epoll_event event = {.events = (reads ? EPOLLIN | EPOLLRDHUP : 0) | (writes ? EPOLLOUT : 0), .data.u64 = key};
  return answer(epoll_ctl(poll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event));
}

int poll_forget(int poll, int descriptor) {
  struct epoll_event event = {0};
  return answer(epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &event));
}

static int wait_for(int poll, struct epoll_event *events, int count, int64_t nanoseconds) {
  if (nanoseconds <= 0) return epoll_wait(poll, events, count, nanoseconds < 0 ? -1 : 0);
  static _Atomic bool is_missing = false;
  if (!is_missing) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int found = (int)syscall(SYS_epoll_pwait2, poll, events, count, &time, NULL, 0);
    if (found >= 0 || errno != ENOSYS) return found;
    is_missing = true;
  }
  int64_t milliseconds = (nanoseconds + 999999) / 1000000;
  return epoll_wait(poll, events, count, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
}

int poll_wait(int poll, ready_descriptor *ready, int count, int64_t nanoseconds) {
  struct epoll_event events[64];
  if (count > 64) count = 64;
  int found = wait_for(poll, events, count, nanoseconds);
  for (int index = 0; index < found; index++) {
    uint32_t bits = events[index].events;
    ready[index] = (ready_descriptor){
        .key = events[index].data.u64,
        .is_readable = bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP),
        .is_writable = bits & EPOLLOUT,
        .is_failed = bits & EPOLLERR,
    };
  }
  return answer(found);
}

int wake_create(void) { return answer(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int wake_up(int descriptor) {
  uint64_t one = 1;
  return answer((int)write(descriptor, &one, sizeof one));
}

int wake_clear(int descriptor) {
  uint64_t count;
  return answer((int)read(descriptor, &count, sizeof count));
}

int exact_timers(void) { return answer(prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)); }

// MARK: - Random bytes

int random_bytes(void *bytes, size_t count) { return answer((int)getrandom(bytes, count, 0)); }

// MARK: - Limits

int descriptor_limits(uint64_t *soft, uint64_t *hard) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  *soft = limit.rlim_cur;
  *hard = limit.rlim_max;
  return 0;
}

int descriptor_limit_set(uint64_t soft) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  limit.rlim_cur = soft;
  return answer(setrlimit(RLIMIT_NOFILE, &limit));
}

// Names.

int name_query(const char *name, uint16_t type, const socket_address *server, int seconds, uint8_t *answer, int size) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return name_unanswered;
  if (server && !server->is_v6) {
    state.nscount = 1;
    memset(&state.nsaddr_list[0], 0, sizeof state.nsaddr_list[0]);
    state.nsaddr_list[0].sin_family = AF_INET;
    state.nsaddr_list[0].sin_port = htons(server->port);
    state.nsaddr_list[0].sin_addr.s_addr = htonl((uint32_t)server->low);
  }
  if (seconds > 0) {
    state.retrans = seconds;
    state.retry = 2;
  }
  int length = res_nquery(&state, name, ns_c_in, type, answer, size);
  int failure = state.res_h_errno;
  res_nclose(&state);
  if (length >= 0) return length < size ? length : size;
  if (failure == HOST_NOT_FOUND) return name_missing;
  return failure == NO_DATA ? name_without_data : name_unanswered;
}
