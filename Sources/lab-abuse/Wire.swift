import Foundation
import Glibc

/// A socket of the abuser's on loopback.
struct Wire {
  let descriptor: Int32

  enum Kind { case datagram, stream }

  /// - Parameters:
  ///   - source: our own address; the system's choice when nil.
  ///   - isPatient: waits for the connection; else it is under way when this returns.
  init?(_ kind: Kind, from source: String? = nil, to port: UInt16, isPatient: Bool = true) {
    descriptor = socket(AF_INET, Int32((kind == .datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue), 0)
    guard descriptor >= 0 else { return nil }
    if let source {
      let isBound = Self.with(Self.address(source, 0)) { Glibc.bind(descriptor, $0, $1) }
      guard isBound == 0 else { return nil }
    }
    if !isPatient { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    let connected = Self.with(Self.address("127.0.0.1", port)) { Glibc.connect(descriptor, $0, $1) }
    guard connected == 0 || (!isPatient && errno == EINPROGRESS) else {
      Glibc.close(descriptor)
      return nil
    }
    var wait = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
  }

  private static func address(_ text: String, _ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, text, &address.sin_addr)
    return address
  }

  private static func with<Result>(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  var localPort: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool { Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// What came next; nil after two seconds without anything, or at the end.
  func receive() -> String? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  func close() { Glibc.close(descriptor) }
}
