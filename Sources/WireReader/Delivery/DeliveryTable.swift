import Capture
import SansIO

/// What the network itself says of packets that went nowhere: ICMP errors, connections that nobody accepts, names without an address.
public struct DeliveryTable {
  /// Packets from one place to another that somebody on the way, or at its end, reports as not delivered.
  public struct Undelivered {
    /// As it was said first.
    public let error: ICMPError
    public let first: FrameStamp
    public internal(set) var last: FrameStamp
    public internal(set) var count = 1
  }

  /// A TCP connection that was asked for and not accepted.
  public struct Opening {
    public let client: TransportAddress
    public let server: TransportAddress
    public let first: FrameStamp
    public internal(set) var last: FrameStamp
    public internal(set) var attempts = 1
    /// The RST that answered it (RFC 9293 §3.10.7.1); nil where nothing did.
    public internal(set) var refusal: FrameStamp?
  }

  private struct Way: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
    var protocolNumber: UInt8 = 6
  }

  private static let most = 1_024

  /// In the order of the first of each.
  public private(set) var undelivered: [Undelivered] = []
  private var places: [Way: Int] = [:]
  private var asked: [Way: Opening] = [:]
  /// Those that were answered by RST, one for each client address and server.
  public private(set) var refused: [Opening] = []
  public private(set) var names = NameTable()
  /// Servers that accepted a connection.
  public private(set) var accepting: Set<TransportAddress> = []

  /// Asked for, and answered by nothing so far.
  public var unanswered: [Opening] { asked.values.sorted { $0.first.frame < $1.first.frame } }

  /// Nothing went wrong, and nothing waits for an answer.
  public var isEmpty: Bool { undelivered.isEmpty && refused.isEmpty && asked.isEmpty && names.misses.isEmpty }

  mutating func take(_ error: ICMPError, _ stamp: FrameStamp) {
    let way = Way(source: error.source, destination: error.destination, protocolNumber: error.protocolNumber)
    if let place = places[way] {
      undelivered[place].count += 1
      undelivered[place].last = stamp
    } else if undelivered.count < Self.most {
      places[way] = undelivered.count
      undelivered.append(Undelivered(error: error, first: stamp, last: stamp))
    }
  }

  /// Takes a segment with SYN or RST.
  mutating func take(_ segment: TCPSegment, from source: TransportAddress, to destination: TransportAddress, _ stamp: FrameStamp) {
    let back = Way(source: destination, destination: source)
    switch (segment.flags.contains(.syn), segment.flags.contains(.ack), segment.flags.contains(.rst)) {
    case (true, false, false): ask(Way(source: source, destination: destination), stamp)
    case (true, true, false):
      asked[back] = nil
      if accepting.count < Self.most { accepting.insert(source) }
    case (_, _, true):
      guard let opening = asked.removeValue(forKey: back) else { return }
      refuse(opening, stamp)
    default: break
    }
  }

  private mutating func ask(_ way: Way, _ stamp: FrameStamp) {
    if asked[way] != nil {
      asked[way]?.attempts += 1
      asked[way]?.last = stamp
    } else if asked.count < Self.most {
      asked[way] = Opening(client: way.source, server: way.destination, first: stamp, last: stamp)
    }
  }

  /// Each attempt has a port of its own: those of one host to one server are told together.
  private mutating func refuse(_ opening: Opening, _ stamp: FrameStamp) {
    if let known = refused.firstIndex(where: { $0.client.address == opening.client.address && $0.server == opening.server }) {
      refused[known].attempts += opening.attempts
      refused[known].last = stamp
    } else if refused.count < Self.most {
      var opening = opening
      opening.refusal = stamp
      refused.append(opening)
    }
  }

  /// Takes out what was seen last before then.
  mutating func release(before time: Int64) {
    if !asked.isEmpty { asked = asked.filter { $0.value.last.time > time } }
    if !refused.isEmpty { refused = refused.filter { $0.last.time > time } }
    if undelivered.contains(where: { $0.last.time <= time }) {
      undelivered = undelivered.filter { $0.last.time > time }
      places = [:]
      for (place, found) in undelivered.enumerated() {
        places[Way(source: found.error.source, destination: found.error.destination, protocolNumber: found.error.protocolNumber)] = place
      }
    }
    if accepting.count >= Self.most { accepting = [] }
    names.release(before: time)
  }

  mutating func takeName(_ payload: Bytes, to asker: TransportAddress, _ stamp: FrameStamp) {
    names.take(payload, asker: asker.address, stamp)
  }
}
