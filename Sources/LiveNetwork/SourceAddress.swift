import Glibc
import NIOCore
import SansIO

/// Which of this machine's addresses the kernel would send from.
public enum SourceAddress {
  /// Whether something of this machine can listen there.
  public static func isOurs(_ address: IPAddress) -> Bool {
    let descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    return TransportAddress(address, port: 0).socketAddress.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) == 0 }
  }

  /// Asks by connecting a UDP socket, which sends nothing; nil without a route.
  public static func towards(_ remote: TransportAddress) -> IPAddress? {
    let descriptor = socket(remote.address.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    let connected = remote.socketAddress.withSockAddr { Glibc.connect(descriptor, $0, socklen_t($1)) }
    guard connected == 0 else { return nil }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer -> IPAddress? in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> IPAddress? in
        guard getsockname(descriptor, address, &length) == 0 else { return nil }
        return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { v6 in
          address.pointee.sa_family == sa_family_t(AF_INET6)
            ? TransportAddress(SocketAddress(v6.pointee))?.address
            : address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { TransportAddress(SocketAddress($0.pointee))?.address }
        }
      }
    }
  }
}
