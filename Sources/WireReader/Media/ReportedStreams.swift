import RTP
import SansIO

/// The streams that RTCP may be about.
struct ReportedStreams {
  private let byKey: [RTPStream.Key: RTPStream]
  private let list: [RTPStream]

  init(_ byKey: [RTPStream.Key: RTPStream] = [:], _ list: [RTPStream] = []) { (self.byKey, self.list) = (byKey, list) }

  subscript(key: RTPStream.Key) -> RTPStream? { byKey[key] }

  /// One of the SSRC to the same receiver, where a NAT gave RTCP another port than RTP.
  func arrived(_ key: RTPStream.Key) -> RTPStream? {
    list.last { $0.key.ssrc == key.ssrc && $0.key.destination == key.destination }
  }

  /// Whether the source sent to another address of the same receiver before, which has moved since.
  func wentElsewhere(_ key: RTPStream.Key) -> Bool { list.contains { $0.key.ssrc == key.ssrc && $0.key.source == key.source } }

  /// The SSRC under which a source sends instead; nil where its own has come from its host, or no other has.
  func other(than key: RTPStream.Key) -> UInt32? {
    guard arrived(key) == nil, !list.contains(where: { $0.key.ssrc == key.ssrc && $0.key.source.address == key.source.address }) else {
      return nil
    }
    return list.last { $0.key.source == key.source && $0.isSignalled && $0.course.packets >= 20 }?.key.ssrc
  }
}

/// The sender reports that came to each receiver, which name themselves in its own reports (RFC 3550 §6.4.1: LSR and DLSR).
struct EchoTable {
  private struct Came {
    /// The middle 32 bits of its NTP time.
    var middle: UInt32
    var stamp: FrameStamp
  }

  /// Of a receiver.
  private static let mostReports = 8
  private static let mostReceivers = 65_536
  private var byReceiver: [TransportAddress: [Came]] = [:]

  mutating func add(_ time: UInt64, to receiver: TransportAddress, _ stamp: FrameStamp) {
    guard byReceiver[receiver] != nil || byReceiver.count < Self.mostReceivers else { return }
    var list = byReceiver[receiver] ?? []
    if list.count >= Self.mostReports { list.removeFirst() }
    list.append(Came(middle: NTPTime.middle(time), stamp: stamp))
    byReceiver[receiver] = list
  }

  /// - Returns: what is wrong with what a block says; nil where nothing is, or it says that no report came.
  func compare(_ block: ReceptionReport, by reporter: TransportAddress, _ stamp: FrameStamp) -> ControlTable.Echo? {
    guard block.lastSenderReport != 0 else { return nil }
    // A receiver that has moved to another port still knows what came to the first.
    let here = byReceiver[reporter]?.last { $0.middle == block.lastSenderReport }
    let came =
      here
      ?? byReceiver.lazy.filter { $0.key.address == reporter.address }.compactMap { entry in
        entry.value.last { $0.middle == block.lastSenderReport }
      }.max { $0.stamp.frame < $1.stamp.frame }
    guard let came else { return ControlTable.Echo(stamp: stamp, reporter: reporter) }
    let said = Int(block.delaySinceLastSenderReport) * 1_000 / 65_536
    let passed = Int(stamp.since(came.stamp) / 1_000_000)
    guard abs(said - passed) > 500 else { return nil }
    return ControlTable.Echo(stamp: stamp, reporter: reporter, delay: (said, passed))
  }

  mutating func release(before time: Int64) {
    byReceiver = byReceiver.filter { ($0.value.last?.stamp.time ?? .min) > time }
  }
}

extension RTCPPacket {
  /// SDES with the canonical name of a source (RFC 3550 §6.5.1).
  var hasCanonicalName: Bool {
    switch self {
    case .cname: true
    case .other(202, let bytes): Self.namesSource(bytes)
    case .senderReport, .receiverReport, .bye, .extended, .other: false
    }
  }

  /// Whether a chunk has an item of type 1. Chunks begin with a source, have items of type and length, and end with zeros up to a word.
  private static func namesSource(_ bytes: Bytes) -> Bool {
    var (offset, chunks) = (4, Int(bytes[0] & 31))
    while chunks > 0, offset + 4 < bytes.count {
      offset += 4
      while offset < bytes.count, bytes[offset] != 0 {
        if bytes[offset] == 1 { return true }
        guard offset + 1 < bytes.count else { return false }
        offset += 2 + Int(bytes[offset + 1])
      }
      offset = (offset / 4 + 1) * 4
      chunks -= 1
    }
    return false
  }
}
