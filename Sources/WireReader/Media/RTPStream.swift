import RTP
import SDP
import SansIO

/// One RTP stream of a capture: source, destination and SSRC.
public final class RTPStream {
  public struct Key: Hashable {
    public var source: TransportAddress
    public var destination: TransportAddress
    public var ssrc: UInt32
  }

  public struct PayloadUse {
    public var type: UInt8
    public var first: FrameStamp
    public var packets = 0
    /// What the receiver's description calls it; nil where none names it.
    public var encoding: Encoding?
    public var isNegotiated: Bool
  }

  public let key: Key
  public let first: FrameStamp
  public private(set) var last: FrameStamp
  public private(set) var statistics = StreamStatistics()
  public private(set) var order = OrderCounter()
  public private(set) var payloads: [PayloadUse] = []
  /// The description of whoever receives; nil where the capture shows none.
  public private(set) var receiver: MediaTable.Use?
  /// The description of whoever sends from this address.
  public private(set) var sender: MediaTable.Use?
  private var generation = -1
  private var recent = 0
  /// The longest pause, in nanoseconds, and the frame after it.
  public private(set) var longestPause: (nanoseconds: Int64, stamp: FrameStamp)?

  public init(_ key: Key, first: FrameStamp) {
    self.key = key
    self.first = first
    last = first
  }

  public var isSignalled: Bool { receiver != nil || sender != nil }
  public var conversation: Int? { receiver?.conversation ?? sender?.conversation }
  /// Without a description only numbers that follow each other make a stream of what looks like RTP.
  public var isCredible: Bool { isSignalled || order.near >= 2 && order.near * 2 >= statistics.packets }

  /// Takes a packet.
  /// - Parameter time: milliseconds since the capture's first frame.
  public func take(_ packet: RTPPacket, _ stamp: FrameStamp, time: Double, _ table: MediaTable) {
    if generation != table.generation { look(table) }
    if stamp.since(last) > longestPause?.nanoseconds ?? 0 { longestPause = (stamp.since(last), stamp) }
    last = stamp
    let use = payload(packet.payloadType, stamp)
    statistics.take(
      sequence: packet.sequenceNumber, timestamp: packet.timestamp, marker: packet.marker, payloadType: packet.payloadType,
      clockRate: clockRate(payloads[use]), at: time)
    order.take(packet.sequenceNumber)
  }

  private func look(_ table: MediaTable) {
    generation = table.generation
    // An older use of the same port stays the stream's until a newer one comes.
    if let use = table[key.destination] { receiver = use }
    if let use = table[key.source] { sender = use }
    for index in payloads.indices { name(&payloads[index]) }
  }

  private func payload(_ type: UInt8, _ stamp: FrameStamp) -> Int {
    if recent < payloads.count, payloads[recent].type == type {
      payloads[recent].packets += 1
      return recent
    }
    if let known = payloads.firstIndex(where: { $0.type == type }) {
      recent = known
    } else {
      var use = PayloadUse(type: type, first: stamp, isNegotiated: false)
      name(&use)
      payloads.append(use)
      recent = payloads.count - 1
    }
    payloads[recent].packets += 1
    return recent
  }

  /// The numbers in a packet are its receiver's (RFC 3264 §5.1); some senders use their own.
  private func name(_ use: inout PayloadUse) {
    let theirs = receiver?.media.encodings.first { $0.payloadType == use.type }
    if theirs != nil || receiver?.media.formats.contains("\(use.type)") == true { use.isNegotiated = true }
    use.encoding = theirs ?? sender?.media.encodings.first { $0.payloadType == use.type } ?? use.encoding
  }

  private func clockRate(_ use: PayloadUse) -> Int {
    if use.type < 96 { return StaticPayloads.clockRate(use.type) ?? 0 }
    guard let encoding = use.encoding, !encoding.isTelephoneEvent else { return 0 }
    return encoding.clockRate
  }

  /// The name of what most packets carry.
  public var codec: String {
    let main = payloads.filter { $0.encoding?.isTelephoneEvent != true }.max { $0.packets < $1.packets } ?? payloads.first
    return main.map(Self.text) ?? "?"
  }

  public static func text(_ use: PayloadUse) -> String { use.encoding?.name ?? StaticPayloads.name(use.type) ?? "PT \(use.type)" }

  public var events: Int { payloads.reduce(0) { $0 + ($1.encoding?.isTelephoneEvent == true ? $1.packets : 0) } }
}
