import Foundation
import Glibc
import LabBench
import SIPMessage
import SansIO

@testable import LiveNetwork

/// A peer of blocking system calls alone: nothing of the driver under test. It waits at most two seconds.
final class PlainPeer: Sendable {
  /// What it names its side of a dialog by.
  static let tag = "peer"

  let descriptor: Int32
  private let isStream: Bool

  /// A UDP socket on the loopback.
  init() {
    isStream = false
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    setPatience()
    bindTo(TransportAddress(.loopbackV4, port: 0))
  }

  /// A TCP connection.
  init(connectedTo remote: TransportAddress) {
    isStream = true
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    setPatience()
    _ = withAddress(remote) { Glibc.connect(descriptor, $0, $1) }
  }

  deinit { Glibc.close(descriptor) }

  private func setPatience() {
    var time = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  private func bindTo(_ address: TransportAddress) { _ = withAddress(address) { Glibc.bind(descriptor, $0, $1) } }

  private func withAddress<Result>(_ address: TransportAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    address.socketAddress.withSockAddr { body($0, socklen_t($1)) }
  }

  var address: TransportAddress { (try? KernelSockets().finishConnecting(descriptor)) ?? TransportAddress(.anyV4, port: 0) }

  func send(_ bytes: Bytes, to remote: TransportAddress? = nil) {
    bytes.array.withUnsafeBytes { bytes in
      guard let remote else {
        _ = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        return
      }
      _ = withAddress(remote) { sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, $1) }
    }
  }

  /// Answers a request over UDP where its Via says (RFC 3261 §18.2.2).
  func answer(_ request: SIPMessage, _ status: Int, headers: [String] = []) throws {
    let via = try request.via()
    guard let address = via.host.address else { return }
    send(
      Bytes(SIPText.response(status, to: request, tag: Self.tag, headers: headers)), to: TransportAddress(address, port: via.port ?? 5060))
  }

  /// What comes next; nil when nothing did, or when the other side closed.
  func receive() -> Bytes? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? Bytes(Array(buffer[0..<count])) : nil
  }

  /// The next message, without holding a thread that the test's own tasks need. Patient: they may wait for theirs behind other tests.
  ///
  /// - Parameter known: a request whose copies are passed over: a busy machine answers after Timer A.
  func next(after known: SIPMessage? = nil) async -> SIPMessage? {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var message: SIPMessage?
        for _ in 0..<100 where message == nil {
          let next = self.receive().flatMap { try? SIPMessage.parse($0) }
          if let next, next.method == nil || next.method != known?.method { message = next }
        }
        continuation.resume(returning: message)
      }
    }
  }

  /// The next message of which this is true.
  func message(_ isMeant: (SIPMessage) -> Bool) -> SIPMessage? {
    while let bytes = receive() { if let message = try? SIPMessage.parse(bytes), isMeant(message) { return message } }
    return nil
  }

  /// The status of the next response that is not provisional.
  func status() -> Int? { message { $0.status.map { $0 >= 200 } ?? false }?.status }
}
