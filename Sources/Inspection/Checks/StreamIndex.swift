import SansIO
import WireReader

/// The streams of a capture by the addresses they touch.
struct StreamIndex {
  private var byAddress: [TransportAddress: [RTPStream]] = [:]
  private var bySource: [UInt32: [RTPStream]] = [:]
  var isEmpty: Bool { byAddress.isEmpty }

  /// - Parameter streams: in the order of the capture, which is that of every answer.
  init(_ streams: [RTPStream]) {
    for stream in streams {
      byAddress[stream.key.source, default: []].append(stream)
      byAddress[stream.key.destination, default: []].append(stream)
      bySource[stream.key.ssrc, default: []].append(stream)
    }
  }

  func from(_ address: TransportAddress) -> [RTPStream] { (byAddress[address] ?? []).filter { $0.key.source == address } }
  func to(_ address: TransportAddress) -> [RTPStream] { (byAddress[address] ?? []).filter { $0.key.destination == address } }

  /// Whether its source has other streams, to other places or from other ports of its host.
  func isOneOfSeveral(_ stream: RTPStream) -> Bool {
    others(of: stream).contains { $0 !== stream && $0.key.source.address == stream.key.source.address }
  }

  /// All with its SSRC, itself as well.
  private func others(of stream: RTPStream) -> [RTPStream] { bySource[stream.key.ssrc] ?? [] }

  /// Whether its source was at another address before or after, as behind a NAT that has rebooted: its numbers go on, and what is
  /// counted of the source is not what is counted of the address.
  func hasMoved(_ stream: RTPStream) -> Bool {
    others(of: stream).contains {
      $0 !== stream && ($0.key.destination == stream.key.destination || $0.key.source == stream.key.source)
    }
  }

  /// Those that go one way: to an address of who receives, or from one of who sends. Where one side's description is in other words than
  /// its packets, the other side's still tells who speaks.
  func from(_ sources: [TransportAddress], to destinations: [TransportAddress]) -> [RTPStream] {
    var list: [RTPStream] = []
    for stream in destinations.flatMap(to) + sources.flatMap(from) where !list.contains(where: { $0 === stream }) { list.append(stream) }
    return list
  }
}

/// What goes one way while an agreement holds.
struct AudioFlow {
  let from: TransportAddress?
  let to: TransportAddress?
  private(set) var packets = 0
  private(set) var first: FrameStamp?
  private(set) var last: FrameStamp?
  /// A sender that is silent when nobody speaks (RFC 3551 §4.1) may be silent for long.
  private(set) var hasSilences = false
  /// The dialog that wrote the description of a stream of it.
  private(set) var owners: [Int] = []

  init(_ period: MediaAgreement.Period, from side: MediaAgreement.Period.Side, _ streams: StreamIndex) {
    let (sender, receiver) = (period.audio(of: side), period.audio(of: side == .offerer ? .answerer : .offerer))
    from = sender?.addresses.first
    to = receiver?.addresses.first
    for stream in streams.from(sender?.addresses ?? [], to: receiver?.addresses ?? []) {
      var isPart = false
      for part in stream.periods where part.last.frame > period.begin.frame && part.first.frame < period.end.frame {
        isPart = true
        add(part, since: period.begin)
      }
      guard isPart else { continue }
      if stream.clock.silences > 0 || stream.payloads.contains(where: { $0.type == 13 || $0.type == 19 }) { hasSilences = true }
      if let owner = stream.conversation, !owners.contains(owner) { owners.append(owner) }
    }
  }

  /// A part that had begun before counts with its share.
  private mutating func add(_ part: RTPStream.Period, since begin: FrameStamp) {
    let isEarly = part.first.frame < begin.frame
    let (whole, inside) = (part.last.since(part.first), part.last.since(begin))
    packets += isEarly && whole > 0 ? max(Int(Double(part.packets) * Double(inside) / Double(whole)), 1) : part.packets
    let start = isEarly ? begin : part.first
    if first.map({ start.frame < $0.frame }) ?? true { first = start }
    if last.map({ part.last.frame > $0.frame }) ?? true { last = part.last }
  }
}
