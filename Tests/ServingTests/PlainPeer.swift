import Foundation
import Glibc
import SansIO

@testable import LiveNetwork

/// A peer of blocking system calls alone: nothing of the stack under test. It waits at most two seconds.
final class PlainPeer: Sendable {
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

  func send(_ text: String, to remote: TransportAddress? = nil) {
    var text = text
    text.withUTF8 { bytes in
      guard let remote else {
        _ = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        return
      }
      _ = withAddress(remote) { sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, $1) }
    }
  }

  /// What comes next; nil when nothing did, or when the other side closed.
  func receive() -> String? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
  }

  /// What comes next, without holding a thread that the test's own tasks need. Patient: they may wait for theirs behind other tests.
  func next() async -> String? {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var text: String?
        for _ in 0..<100 where text == nil { text = self.receive() }
        continuation.resume(returning: text)
      }
    }
  }

  /// The next message that begins so.
  func message(_ beginning: String) -> String? {
    while let text = receive() { if text.hasPrefix(beginning) { return text } }
    return nil
  }

  /// The status of the next response that is not provisional.
  func status() -> Int? {
    while let text = receive() {
      let words = text.split(separator: " ", maxSplits: 2)
      guard words.count > 1, let status = Int(words[1]) else { continue }
      if status >= 200 { return status }
    }
    return nil
  }
}
