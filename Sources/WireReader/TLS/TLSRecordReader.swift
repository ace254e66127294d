import SansIO

/// Cuts a byte stream into TLS records (RFC 8446 §5.1, RFC 5246 §6.2).
public struct TLSRecordReader {
  public enum ContentType: UInt8 { case changeCipherSpec = 20, alert, handshake, applicationData }

  public struct Record {
    public var type: ContentType
    /// The five bytes before the payload: TLS 1.3 authenticates them.
    public var header: Bytes
    public var payload: Bytes
  }

  private var buffer = Bytes()
  /// A record boundary is not known: the stream began in the middle, or a gap cut it.
  public private(set) var isLost = false

  /// Whether these bytes begin a record.
  public static func begins(_ bytes: Bytes) -> Bool {
    bytes.count >= 5 && (20...23).contains(bytes[0]) && bytes[1] == 3 && bytes[2] <= 4 && Int(bytes[3]) << 8 | Int(bytes[4]) <= 16_640
  }

  public mutating func take(_ bytes: Bytes) -> [Record] {
    guard !isLost else { return [] }
    buffer = buffer.isEmpty ? bytes : Bytes(buffer.array + bytes.array)
    var records: [Record] = []
    while buffer.count >= 5 {
      guard Self.begins(buffer), let type = ContentType(rawValue: buffer[0]) else {
        lose()
        break
      }
      let end = 5 + (Int(buffer[3]) << 8 | Int(buffer[4]))
      guard buffer.count >= end else { break }
      records.append(Record(type: type, header: buffer[0..<5], payload: buffer[5..<end]))
      buffer = buffer[end..<buffer.count]
    }
    buffer = buffer.compacted()
    return records
  }

  public mutating func lose() {
    isLost = true
    buffer = Bytes()
  }
}

/// Cuts handshake records into handshake messages (RFC 8446 §4).
public struct TLSHandshakeReader {
  private var buffer: [UInt8] = []

  public mutating func take(_ bytes: Bytes) -> [(type: UInt8, body: Bytes)] {
    buffer += bytes
    var messages: [(type: UInt8, body: Bytes)] = []
    while buffer.count >= 4 {
      let end = 4 + (Int(buffer[1]) << 16 | Int(buffer[2]) << 8 | Int(buffer[3]))
      guard end <= 1 << 18 else {
        buffer = []
        break
      }
      guard buffer.count >= end else { break }
      messages.append((buffer[0], Bytes(Array(buffer[4..<end]))))
      buffer.removeFirst(end)
    }
    return messages
  }
}
