import Foundation
import Glibc

/// Calls that speak and listen for a while, over two UDP sockets: one for SIP, one for the RTP of all. It is no SIP stack: it asks a
/// server that wants no credentials for an echo, and looks at when its packets left.
final class EchoLoad {
  struct Failure: Error, CustomStringConvertible { var description: String }

  /// What came back.
  struct Outcome {
    var sent = 0
    var received = 0
    /// How late packets left, in milliseconds, against the most punctual of their leg.
    var lateness: [Double] = []
  }

  private struct Leg {
    var port: UInt16
    var sequence: UInt16 = 0
    /// Of its packets: by how much each left after its turn, in nanoseconds.
    var departures: [Int64] = []
    var first: (sequence: UInt16, time: Int64)?
  }

  private let server: UInt16
  private let user: String
  private let (signalling, media): (Int32, Int32)
  private let (ownPort, mediaPort): (UInt16, UInt16)
  private var legs: [Leg] = []
  private var places: [UInt16: Int] = [:]
  private var buffer = [UInt8](repeating: 0, count: 4_096)

  /// - Parameters:
  ///   - server: its UDP port on 127.0.0.1.
  ///   - user: whom to call.
  init(server: UInt16, user: String) throws {
    (self.server, self.user) = (server, user)
    (signalling, ownPort) = try Self.socket()
    (media, mediaPort) = try Self.socket()
    var size: Int32 = 8 << 20
    setsockopt(media, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit {
    close(signalling)
    close(media)
  }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return address
  }

  private static func socket() throws -> (Int32, UInt16) {
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var (address, length) = (address(0), socklen_t(MemoryLayout<sockaddr_in>.size))
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard descriptor >= 0, isBound else { throw Failure(description: "no UDP socket: \(String(cString: strerror(errno)))") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  private func send(_ bytes: [UInt8], _ descriptor: Int32, to port: UInt16) {
    var address = Self.address(port)
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// The next datagram and the port that it came from; nil when none comes for so long.
  private func receive(_ descriptor: Int32, within milliseconds: Int32) -> (count: Int, port: UInt16)? {
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard milliseconds == 0 || poll(&poller, 1, milliseconds) > 0 else { return nil }
    var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
    let count = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
      }
    }
    return count > 0 ? (count, UInt16(bigEndian: address.sin_port)) : nil
  }

  // MARK: - SIP

  private func request(_ method: String, _ call: Int, to tag: String) -> String {
    """
    \(method) sip:\(user)@127.0.0.1:\(server) SIP/2.0\r
    Via: SIP/2.0/UDP 127.0.0.1:\(ownPort);branch=z9hG4bK\(method)\(call)\r
    Max-Forwards: 70\r
    From: <sip:load@127.0.0.1:\(ownPort)>;tag=l\(call)\r
    To: <sip:\(user)@127.0.0.1:\(server)>\(tag)\r
    Call-ID: load-\(getpid())-\(call)\r
    CSeq: 1 \(method)\r
    Contact: <sip:load@127.0.0.1:\(ownPort)>\r

    """
  }

  /// Places a call after the other; each is up before the next.
  func place(_ count: Int) throws {
    for call in 0..<count {
      let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio \(mediaPort) RTP/AVP 0\r\n"
      let invite =
        request("INVITE", call, to: "") + "Content-Type: application/sdp\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
      send(Array(invite.utf8), signalling, to: server)
      let answer = try success(of: call)
      let tag = answer.split(separator: "\r\n").first { $0.hasPrefix("To:") }.flatMap { $0.split(separator: ";").last } ?? ""
      send(Array((request("ACK", call, to: ";\(tag)") + "Content-Length: 0\r\n\r\n").utf8), signalling, to: server)
      let line = answer.split(separator: "\r\n").first { $0.hasPrefix("m=audio ") }
      guard let port = line?.split(separator: " ").dropFirst().first.flatMap({ UInt16($0) }) else {
        throw Failure(description: "call \(call) was answered without audio")
      }
      places[port] = legs.count
      legs.append(Leg(port: port))
    }
  }

  private func success(of call: Int) throws -> String {
    let limit = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < limit {
      guard let (count, _) = receive(signalling, within: 1_000) else { continue }
      let text = String(decoding: buffer[..<count], as: UTF8.self)
      guard text.contains("Call-ID: load-\(getpid())-\(call)\r\n"), !text.hasPrefix("SIP/2.0 1") else { continue }
      guard text.hasPrefix("SIP/2.0 2") else {
        throw Failure(description: "call \(call): \(text.prefix { $0 != "\r" && $0 != "\r\n" })")
      }
      return text
    }
    throw Failure(description: "call \(call) had no answer")
  }

  // MARK: - RTP

  /// Speaks on all legs for so long; the legs take turns within 20 ms.
  func speak(seconds: Int) -> Outcome {
    var outcome = Outcome()
    let begin = TimerThread.now()
    for tick in 0..<seconds * 1_000 {
      TimerThread.sleep(until: begin + Int64(tick) * 1_000_000)
      for index in stride(from: tick % 20, to: legs.count, by: 20) {
        send(packet(&legs[index], index), media, to: legs[index].port)
        outcome.sent += 1
      }
      take(&outcome)
    }
    for leg in legs {
      let least = leg.departures.min() ?? 0
      outcome.lateness += leg.departures.map { Double($0 - least) / 1e6 }
    }
    return outcome
  }

  private func packet(_ leg: inout Leg, _ index: Int) -> [UInt8] {
    leg.sequence &+= 1
    func octets(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 255) } }
    return [0x80, 0, UInt8(leg.sequence >> 8), UInt8(leg.sequence & 255)] + octets(UInt32(leg.sequence) * 160) + octets(UInt32(index + 1))
      + [UInt8](repeating: UInt8(0x40 + index % 64), count: 160)
  }

  private func take(_ outcome: inout Outcome) {
    while let (count, port) = receive(media, within: 0) {
      var stamp = timespec()
      // When the kernel had it from the server, whatever this program was doing (SIOCGSTAMPNS, socket(7)).
      guard count >= 12, buffer[1] & 127 == 0, let place = places[port], ioctl(media, 0x8907, &stamp) == 0 else { continue }
      outcome.received += 1
      let (time, sequence) = (Int64(stamp.tv_sec) * 1_000_000_000 + Int64(stamp.tv_nsec), UInt16(buffer[2]) << 8 | UInt16(buffer[3]))
      guard let first = legs[place].first else {
        legs[place].first = (sequence, time)
        continue
      }
      let turns = Int64(Int16(bitPattern: sequence &- first.sequence))
      legs[place].departures.append(time - first.time - turns * 20_000_000)
    }
  }
}

/// A thread that does nothing but wake every 20 ms, and says how late it was: what this machine can do at this moment.
final class TimerThread: Sendable {
  private let wakes: Int

  init(seconds: Int) { wakes = seconds * 50 }

  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  static func sleep(until due: Int64) {
    var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &time, nil) == EINTR {}
  }

  /// Blocks; lateness of each wake in milliseconds.
  func run() -> [Double] {
    let begin = Self.now()
    return (1...wakes).map { turn in
      let due = begin + Int64(turn) * 20_000_000
      Self.sleep(until: due)
      return Double(Self.now() - due) / 1e6
    }
  }
}
