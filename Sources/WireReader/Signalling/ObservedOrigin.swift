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
    content = bytes.withSpan { Self.digest($0) }
  }

  private static let directions: [StaticString] = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"]

  private static func digest(_ span: Span<UInt8>) -> UInt64 {
    var digest = Digest()
    var (start, isMedia) = (0, false)
    while start < span.count {
      var end = start
      while end < span.count, span[end] != 10 { end += 1 }
      let next = end + 1
      if end > start, span[end - 1] == 13 { end -= 1 }
      if end - start > 2 {
        if begins(span, start, "m=") { isMedia = true }
        let isDirection =
          span[start] == UInt8(ascii: "a") && directions.contains { $0.utf8CodeUnitCount == end - start && begins(span, start, $0) }
        if isMedia || isDirection || begins(span, start, "c=") { digest.take(span, start..<end) }
      }
      start = next
    }
    return digest.value
  }

  /// - Precondition: as many bytes are there.
  private static func begins(_ span: Span<UInt8>, _ start: Int, _ word: StaticString) -> Bool {
    for index in 0..<word.utf8CodeUnitCount where span[start + index] != word.utf8Start[index] { return false }
    return true
  }

  /// FNV-1a, with runs of spaces as one.
  private struct Digest {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func take(_ span: Span<UInt8>, _ line: Range<Int>) {
      var last: UInt8 = 0
      for index in line {
        if span[index] != 32 || last != 32 { add(span[index]) }
        last = span[index]
      }
      add(10)
    }

    private mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }
}
