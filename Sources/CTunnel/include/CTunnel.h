// TUN devices in network namespaces of this machine (tun(4), setns(2)), which Swift's import leaves out.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// An address: the numbers in host order; `high` is 0 for IPv4.
typedef struct tunnel_address {
  uint64_t high;
  uint64_t low;
  bool is_v6;
} tunnel_address;

/// A TUN device of this name in the namespace behind `space` (a path below /run/netns or /proc/PID/ns/net), up, with this one address and
/// a route to everything. Packets of IP are read and written as they are. The calling thread is in its own namespace again afterwards.
///
/// The descriptor, non-blocking and close on exec, or the negative errno. The device is gone when it is closed.
int tunnel_open(const char *space, const char *name, const tunnel_address *address, int mtu);

/// Waits until one of two descriptors can be read, or the time has passed (ppoll(2)).
void tunnel_wait(int first, int second, int64_t nanoseconds);
