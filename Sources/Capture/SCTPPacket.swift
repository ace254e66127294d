import SansIO

/// The user data of an SCTP packet (RFC 9260 §3).
public struct SCTPPacket: Hashable, Sendable {
  /// A DATA chunk (§3.3.1).
  public struct Data: Hashable, Sendable {
    public var transmission: UInt32
    public var stream: UInt16
    public var isBeginning: Bool
    public var isEnd: Bool
    /// Where it stands in the frame.
    public var payload: Range<Int>
  }

  public var source: TransportAddress
  public var destination: TransportAddress
  public var data: [Data]
  /// The capture cut it.
  public var isCut: Bool

  /// - Parameters:
  ///   - start: where the common header stands.
  ///   - end: where the packet ends, by the header of IP.
  /// - Returns: nil where the common header is cut, or a chunk has no room for its own header.
  init?(_ fields: EndianBytes, at start: Int, end: Int, _ source: IPAddress, _ destination: IPAddress) {
    let last = min(end, fields.bytes.count)
    guard start + 12 <= last else { return nil }
    self.source = TransportAddress(source, port: fields.half(start))
    self.destination = TransportAddress(destination, port: fields.half(start + 2))
    (data, isCut) = ([], end > fields.bytes.count)
    var position = start + 12
    while position + 4 <= last {
      let (type, flags, length) = (fields.bytes[position], fields.bytes[position + 1], Int(fields.half(position + 2)))
      guard length >= 4 else { return nil }
      if type == 0 {
        guard length >= 16, position + 16 <= last else { return nil }
        data.append(
          Data(
            transmission: fields.word(position + 4), stream: fields.half(position + 8), isBeginning: flags & 2 != 0, isEnd: flags & 1 != 0,
            payload: position + 16..<min(position + length, last)))
        if position + length > last { isCut = true }
      }
      position += (length + 3) & ~3
    }
  }
}
