import Glibc
import NIOCore
import SansIO

/// A part of 127/8 that nobody else uses, for as long as this value lives: on Linux every address of 127/8 is this machine's own.
///
/// Two programs that claim at the same moment never get the same one: each holds a socket named after its network (an abstract Unix
/// socket, `unix(7)`, which ends with its program whatever happens to it).
public final class LoopbackNetwork: Sendable {
  public enum Failure: Error, Hashable, CustomStringConvertible {
    case noneFree(ports: [UInt16])

    public var description: String {
      switch self {
      case .noneFree(let ports):
        "no network of 127/8 has the ports \(ports.map(String.init).joined(separator: ", ")) free: is a program bound to them on 0.0.0.0?"
      }
    }
  }

  public enum Size: UInt32, Sendable {
    case sixteen = 16
    case twentyFour = 24

    /// The first of each size, and how many there are. The two never overlap.
    fileprivate var candidates: (first: UInt32, count: UInt32) {
      switch self {
      case .sixteen: (0x7F40_0000, 128)
      case .twentyFour: (0x7F1F_0100, 4_096)
      }
    }
  }

  private let first: UInt32
  private let marker: Int32

  private init(first: UInt32, marker: Int32) {
    self.first = first
    self.marker = marker
  }

  deinit { close(marker) }

  /// The address with this number in the network: 1 is `127.31.1.1` of 127.31.1.0/24.
  public func address(_ number: UInt32) -> IPAddress { IPAddress(v4: first + number) }

  /// Claims the first network in which all of these ports are free for UDP and TCP on all of these addresses.
  ///
  /// - Parameters:
  ///   - numbers: addresses that will be used, by their number in the network.
  ///   - ports: what will be bound there.
  public static func claim(_ size: Size, addresses numbers: [UInt32], ports: [UInt16]) throws(Failure) -> LoopbackNetwork {
    let (start, count) = size.candidates
    for index in 0..<count {
      let first = start + index << (32 - size.rawValue)
      guard let marker = mark(first, size) else { continue }
      let isFree = numbers.allSatisfy { number in
        ports.allSatisfy { port in
          let address = TransportAddress(IPAddress(v4: first + number), port: port)
          return canBind(address, SOCK_DGRAM) && canBind(address, SOCK_STREAM)
        }
      }
      if isFree { return LoopbackNetwork(first: first, marker: marker) }
      close(marker)
    }
    throw .noneFree(ports: ports)
  }

  /// The socket that says a network is taken; nil when somebody has it.
  private static func mark(_ first: UInt32, _ size: Size) -> Int32? {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // A name that begins with NUL is no file.
    let name = [0] + Array("kallglot-lab/\(IPAddress(v4: first))/\(size.rawValue)".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) == 0 }
    }
    if isBound { return descriptor }
    close(descriptor)
    return nil
  }

  private static func canBind(_ address: TransportAddress, _ type: __socket_type) -> Bool {
    let descriptor = socket(AF_INET, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // As listeners do: connections that ended a minute ago do not hold a port (TIME-WAIT, RFC 9293 §3.6.1).
    var isOn: Int32 = 1
    if type == SOCK_STREAM { setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size)) }
    return address.socketAddress.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) == 0 }
  }
}
