import Glibc
import NIOCore
import SansIO

extension TransportAddress {
  /// The address of a socket; nil for a Unix domain socket.
  init?(_ address: SocketAddress?) {
    switch address {
    case .v4(let v4):
      self.init(IPAddress(v4: UInt32(bigEndian: v4.address.sin_addr.s_addr)), port: UInt16(bigEndian: v4.address.sin_port))
    case .v6(let v6):
      let words = withUnsafeBytes(of: v6.address.sin6_addr) { raw in
        (raw.loadUnaligned(as: UInt64.self).bigEndian, raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian)
      }
      self.init(IPAddress(high: words.0, low: words.1), port: UInt16(bigEndian: v6.address.sin6_port))
    case .unixDomainSocket, nil: return nil
    }
  }

  /// Without going through text, since every datagram needs one.
  var socketAddress: SocketAddress {
    guard address.isIPv6 else {
      var v4 = sockaddr_in()
      v4.sin_family = sa_family_t(AF_INET)
      v4.sin_port = port.bigEndian
      v4.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
      return SocketAddress(v4)
    }
    var v6 = sockaddr_in6()
    v6.sin6_family = sa_family_t(AF_INET6)
    v6.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &v6.sin6_addr) { raw in
      raw.storeBytes(of: address.high.bigEndian, as: UInt64.self)
      raw.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    return SocketAddress(v6)
  }
}
