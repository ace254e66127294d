import SDP
import SansIO

/// The o= line of a description, and what it vouches for: the same version means the same description (RFC 3264 §8).
public struct ObservedOrigin: Hashable, Sendable {
  public let line: Origin
  /// A digest of all m= sections, and of the session's c= and direction.
  public let content: UInt64

  public init?(_ bytes: Bytes, _ description: SessionDescription) {
    guard let line = description.origin else { return nil }
    self.line = line
    var digest = Digest()
    var isMedia = false
    for written in bytes.split(separator: 10) {
      let text = written.last == 13 ? written.dropLast() : written
      guard text.count > 2 else { continue }
      if text.starts(with: "m=".utf8) { isMedia = true }
      if isMedia || text.starts(with: "c=".utf8) || Self.directions.contains(where: { text.elementsEqual($0.utf8) }) { digest.take(text) }
    }
    content = digest.value
  }

  private static let directions = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"]

  /// FNV-1a, with runs of spaces as one.
  private struct Digest {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func take(_ line: some Sequence<UInt8>) {
      var last: UInt8 = 0
      for byte in line {
        if byte != 32 || last != 32 { add(byte) }
        last = byte
      }
      add(10)
    }

    private mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }
}
