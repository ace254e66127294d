#define _GNU_SOURCE
#include "CTunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// <netinet/in.h> has struct sockaddr_in; <linux/in6.h> must not come beside it.

static void put_v4(struct sockaddr *place, uint32_t address) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
  memcpy(place, &in, sizeof in);
}

static void put_v6(struct in6_addr *place, uint64_t high, uint64_t low) {
  for (int i = 0; i < 8; i++) {
    place->s6_addr[i] = (uint8_t)(high >> (56 - 8 * i));
    place->s6_addr[8 + i] = (uint8_t)(low >> (56 - 8 * i));
  }
}

static int configure_v4(int control, const char *name, uint32_t address) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  put_v4(&request.ifr_addr, address);
  if (ioctl(control, SIOCSIFADDR, &request) < 0) return -errno;
  put_v4(&request.ifr_netmask, 0xFFFFFFFF);
  if (ioctl(control, SIOCSIFNETMASK, &request) < 0) return -errno;
  return 0;
}

static int configure_v6(const char *name, int index, uint64_t high, uint64_t low) {
  int control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0) return -errno;
  struct in6_ifreq request = {.ifr6_prefixlen = 128, .ifr6_ifindex = index};
  put_v6((struct in6_addr *)&request.ifr6_addr, high, low);
  int result = ioctl(control, SIOCSIFADDR, &request) < 0 && errno != EEXIST ? -errno : 0;
  struct in6_rtmsg route = {.rtmsg_metric = 1, .rtmsg_flags = RTF_UP, .rtmsg_ifindex = index};
  if (result == 0 && ioctl(control, SIOCADDRT, &route) < 0 && errno != EEXIST) result = -errno;
  close(control);
  (void)name;
  return result;
}

static int raise_device(const char *name, const tunnel_address *address, int mtu) {
  int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0) return -errno;
  int result = address->is_v6 ? 0 : configure_v4(control, name, (uint32_t)address->low);
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_mtu = mtu;
  if (result == 0 && ioctl(control, SIOCSIFMTU, &request) < 0) result = -errno;
  if (result == 0 && ioctl(control, SIOCGIFFLAGS, &request) < 0) result = -errno;
  request.ifr_flags |= IFF_UP | IFF_RUNNING;
  if (result == 0 && ioctl(control, SIOCSIFFLAGS, &request) < 0) result = -errno;
  if (result == 0 && !address->is_v6) {
    struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = (char *)name};
    put_v4(&route.rt_dst, 0);
    put_v4(&route.rt_genmask, 0);
    if (ioctl(control, SIOCADDRT, &route) < 0 && errno != EEXIST) result = -errno;
  }
  if (result == 0 && address->is_v6) {
    struct ifreq number = {0};
    strncpy(number.ifr_name, name, IFNAMSIZ - 1);
    result = ioctl(control, SIOCGIFINDEX, &number) < 0 ? -errno : configure_v6(name, number.ifr_ifindex, address->high, address->low);
  }
  close(control);
  return result;
}

static int open_here(const char *name, const tunnel_address *address, int mtu) {
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) return -errno;
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int result = ioctl(device, TUNSETIFF, &request) < 0 ? -errno : raise_device(name, address, mtu);
  if (result < 0) {
    close(device);
    return result;
  }
  return device;
}

int tunnel_open(const char *space, const char *name, const tunnel_address *address, int mtu) {
  int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own < 0) return -errno;
  int other = open(space, O_RDONLY | O_CLOEXEC);
  int result = other < 0 ? -errno : 0;
  if (result == 0 && setns(other, CLONE_NEWNET) < 0) result = -errno;
  if (result == 0) {
    result = open_here(name, address, mtu);
    // Without the way back this thread would stay in the other namespace.
    if (setns(own, CLONE_NEWNET) < 0) {
      if (result >= 0) close(result);
      result = -errno;
    }
  }
  if (other >= 0) close(other);
  close(own);
  return result;
}

void tunnel_wait(int first, int second, int64_t nanoseconds) {
  struct pollfd waits[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
  struct timespec pause = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  ppoll(waits, 2, &pause, NULL);
}
