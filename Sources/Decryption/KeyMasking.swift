import Capture
import SRTP
import SansIO
import WireReader

/// Overwrites the keys of media in what crosses in clear, byte for byte with `x` (``KeyPlaces``): datagrams, and TCP streams whatever
/// their segments.
///
/// A segment that does not follow what was seen may begin inside of a key: what could be the rest of one is overwritten.
public final class KeyMasking: PacketRedactor {
  private struct Flow: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// Where a direction is, at the ends of its last segments.
  private struct Direction {
    /// What stands before a place: as much as tells whether a key goes on there.
    var ends: [(sequence: UInt32, before: [UInt8])] = []
  }

  private static let method = Array("inline:".utf8)
  private static let (mostEnds, mostFlows) = (64, 16_384)

  private var flows: [Flow: Direction] = [:]

  public init() {}

  public var remark: StaticString { "keys of SRTP overwritten with x" }

  public func redacted(_ packet: PacketRecord) -> Bytes? {
    switch packet.carrier {
    case .udp: datagram(packet.payload)
    case .tcp(let segment): self.segment(packet.payload, segment, from: packet.source, to: packet.destination)
    }
  }

  /// Media and DTLS are no text (RFC 7983 §7).
  func datagram(_ payload: Bytes) -> Bytes? {
    guard payload.first.map({ $0 < 0x80 && $0 >= 10 }) ?? false else { return nil }
    return RelayedPacket.hepKey(payload).map { masked(payload, key: $0) } ?? text(payload)
  }

  /// Keys wherever they stand.
  func text(_ bytes: Bytes) -> Bytes? { Self.masked(bytes, before: []) }

  /// The key by which a capture agent shows who it is, and those in what it passes on.
  private func masked(_ payload: Bytes, key: Range<Int>) -> Bytes {
    var bytes = (text(payload) ?? payload).array
    for position in key { bytes[position] = CryptoAttribute.overwriting }
    return Bytes(bytes)
  }

  func segment(_ payload: Bytes, _ segment: TCPSegment, from source: TransportAddress, to destination: TransportAddress) -> Bytes? {
    let flow = Flow(source: source, destination: destination)
    if segment.flags.contains(.syn) { flows[flow] = Direction(ends: [(segment.sequence &+ 1, [])]) }
    guard !payload.isEmpty else { return nil }
    let start = segment.flags.contains(.syn) ? segment.sequence &+ 1 : segment.sequence
    if flows[flow] == nil, flows.count >= Self.mostFlows { flows.removeAll() }
    let before = flows[flow]?.ends.last { $0.sequence == start }?.before ?? Self.before(part: payload)
    let end = (start &+ UInt32(truncatingIfNeeded: payload.count), Self.tail(before, payload))
    flows[flow, default: Direction()].ends.append(end)
    if flows[flow, default: Direction()].ends.count > Self.mostEnds { flows[flow]?.ends.removeFirst(Self.mostEnds / 2) }
    return Self.masked(payload, before: before)
  }

  /// A part of a datagram.
  func fragment(_ payload: Bytes, isFirst: Bool) -> Bytes? { Self.masked(payload, before: isFirst ? [] : Self.before(part: payload)) }

  /// What has to be assumed before bytes of which nobody knows what they follow: a key, where they could be the rest of one.
  private static func before(part: Bytes) -> [UInt8] {
    guard !SIPRecognition.isSIP(part) else { return [] }
    let run = part.prefix(while: KeyPlaces.isBase64)
    guard run.count < part.count else { return method }
    let next = part[run.count]
    if next == UInt8(ascii: ":") {
      let word = run.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
      let introducer = KeyPlaces.introducers.first { introducer in
        introducer.last == next && word.count < introducer.count && introducer.dropLast().suffix(word.count).elementsEqual(word)
      }
      return introducer.map { $0.dropLast(word.count + 1) } ?? []
    }
    return !run.isEmpty && " \t|;\r\n".utf8.contains(next) ? method : []
  }

  private static func masked(_ payload: Bytes, before: [UInt8]) -> Bytes? {
    let ranges = KeyPlaces.ranges(in: before.isEmpty ? payload : Bytes(before + payload.array))
    var result: [UInt8]?
    for range in ranges where range.upperBound > before.count {
      var masked = result ?? payload.array
      for position in max(range.lowerBound - before.count, 0)..<range.upperBound - before.count {
        masked[position] = CryptoAttribute.overwriting
      }
      result = masked
    }
    return result.map { Bytes($0) }
  }

  /// What the next segment has to know: that a key goes on, or the beginning of the word before one.
  private static func tail(_ before: [UInt8], _ payload: Bytes) -> [UInt8] {
    let all = Bytes(before + payload.array)
    if KeyPlaces.ranges(in: all).last?.upperBound == all.count { return method }
    return Array(all.array.suffix(KeyPlaces.longest))
  }
}
